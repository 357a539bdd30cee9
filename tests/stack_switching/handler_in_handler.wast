;; Suspending in the code after a handler goes to the handler around it.
(module
  (type $ft (func)) (type $ct (cont $ft))
  (tag $e (param i32))
  (func $leaf (suspend $e (i32.const 1)))
  (func $mid
    (block $h (result i32 (ref $ct))
      (resume $ct (on $e $h) (cont.new $ct (ref.func $leaf))) (return))
    (drop)
    (suspend $e (i32.add (i32.const 100))))
  (elem declare func $leaf $mid)
  (func (export "run") (result i32)
    (block $h (result i32 (ref $ct))
      (resume $ct (on $e $h) (cont.new $ct (ref.func $mid))) (return (i32.const -1)))
    (drop)))
(assert_return (invoke "run") (i32.const 101))
