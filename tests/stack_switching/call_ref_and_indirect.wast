;; Suspension through call_indirect and call_ref frames.
(module
  (type $ft (func (param i32) (result i32))) (type $ct (cont $ft))
  (tag $e (param i32) (result i32))
  (table funcref (elem $by-ref $leaf))
  (func $leaf (type $ft) (suspend $e (local.get 0)))
  (func $by-ref (type $ft) (call_ref $ft (i32.add (local.get 0) (i32.const 1)) (ref.func $leaf)))
  (func $start (type $ft) (call_indirect (type $ft) (i32.add (local.get 0) (i32.const 10)) (i32.const 0)))
  (elem declare func $start $leaf)
  (func (export "run") (param i32) (result i32) (local $k (ref null $ct))
    (block $h (result i32 (ref $ct)) (return (resume $ct (on $e $h) (local.get 0) (cont.new $ct (ref.func $start)))))
    (local.set $k) (i32.mul (i32.const 2)) (resume $ct (local.get $k))))
(assert_return (invoke "run" (i32.const 100)) (i32.const 222))
(assert_return (invoke "run" (i32.const -11)) (i32.const 0))
