;; Continuations work in a start function.
(module
  (type $ft (func)) (type $ct (cont $ft))
  (tag $e)
  (global $x (mut i32) (i32.const 0))
  (func $f (global.set $x (i32.const 1)) (suspend $e) (global.set $x (i32.const 3)))
  (elem declare func $f)
  (func $start (local $k (ref null $ct))
    (block $h (result (ref $ct)) (resume $ct (on $e $h) (cont.new $ct (ref.func $f))) (return))
    (local.set $k)
    (if (i32.eq (global.get $x) (i32.const 1)) (then (resume $ct (local.get $k)))))
  (start $start)
  (func (export "x") (result i32) (global.get $x)))
(assert_return (invoke "x") (i32.const 3))
