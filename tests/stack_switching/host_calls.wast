;; Host functions are called on continuations and between their parts.
(module
  (import "spectest" "print_i32" (func $print (param i32)))
  (type $ft (func (param i32) (result i32))) (type $ct (cont $ft))
  (type $nt (func (result i32))) (type $cn (cont $nt))
  (tag $e (param i32))
  (func $f (param i32) (result i32) (local $i i32)
    (call $print (local.get 0))
    (loop $l
      (suspend $e (local.get $i))
      (call $print (local.get $i))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 20))))
    (i32.add (local.get 0) (local.get $i)))
  (elem declare func $f)
  (func (export "run") (param i32) (result i32) (local $k (ref null $cn)) (local $sum i32)
    (local.set $k (cont.bind $ct $cn (local.get 0) (cont.new $ct (ref.func $f))))
    (loop $l
      (block $h (result i32 (ref $cn))
        (return (i32.add (local.get $sum) (resume $cn (on $e $h) (local.get $k)))))
      (local.set $k) (call $print (local.get $sum))
      (local.set $sum (i32.add (local.get $sum))) (br $l))
    (unreachable)))
(assert_return (invoke "run" (i32.const 1000)) (i32.const 1210))
