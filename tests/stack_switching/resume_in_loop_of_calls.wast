;; Resumption from another depth than the first one: the continuation does not depend on where its resumer is.
(module
  (type $ft (func (result i32))) (type $ct (cont $ft))
  (tag $e)
  (func $f (result i32) (suspend $e) (suspend $e) (i32.const 3))
  (elem declare func $f)
  (func $step (param $k (ref null $ct)) (param $depth i32) (result (ref null $ct))
    (if (local.get $depth) (then (return (call $step (local.get $k) (i32.sub (local.get $depth) (i32.const 1))))))
    (block $h (result (ref $ct)) (drop (resume $ct (on $e $h) (local.get $k))) (return (ref.null $ct))))
  (func (export "run") (result i32) (local $k (ref null $ct))
    (local.set $k (call $step (cont.new $ct (ref.func $f)) (i32.const 200)))
    (local.set $k (call $step (local.get $k) (i32.const 0)))
    (resume $ct (local.get $k))))
(assert_return (invoke "run") (i32.const 3))
