;; More values than registers: the rest travels on stacks, in both directions.
(module
  (type $ft (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64 i64 i64 i64 i64)))
  (type $ct (cont $ft))
  (func $f (type $ft)
    (i64.add (local.get 0) (local.get 9)) (i64.add (local.get 1) (local.get 8)) (i64.add (local.get 2) (local.get 7))
    (i64.add (local.get 3) (local.get 6)) (i64.add (local.get 4) (local.get 5)) (local.get 9))
  (elem declare func $f)
  (func (export "many") (result i64 i64 i64 i64 i64 i64)
    (resume $ct (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 60) (i64.const 70) (i64.const 80) (i64.const 90) (i64.const 100)
      (cont.new $ct (ref.func $f)))))
(assert_return (invoke "many") (i64.const 101) (i64.const 92) (i64.const 83) (i64.const 74) (i64.const 65) (i64.const 100))
