;; Every instruction with folded and flat operands.
(module
  (type $ft (func (param i32) (result i32)))
  (type $ct (cont $ft))
  (type $nt (func (result i32)))
  (type $cn (cont $nt))
  (tag $e (param i32) (result i32))
  (tag $x)
  (func $f (type $ft) local.get 0 suspend $e)
  (elem declare func $f)
  (func (export "flat") (result i32)
    block $h (result i32 (ref $ct))
      i32.const 5
      ref.func $f
      cont.new $ct
      cont.bind $ct $cn
      resume $cn (on $e $h)
      return
    end
    resume $ct)
  (func (export "folded") (result i32)
    (resume $ct (block $h (result i32 (ref $ct))
      (return (resume $cn (on $e $h) (cont.bind $ct $cn (i32.const 6) (cont.new $ct (ref.func $f)))))))))
(assert_return (invoke "flat") (i32.const 5))
(assert_return (invoke "folded") (i32.const 6))
