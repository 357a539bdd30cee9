;; try_table around resume catches what the continuation throws after it was suspended and resumed elsewhere.
(module
  (type $ft (func)) (type $ct (cont $ft))
  (tag $pause) (tag $boom (param i64))
  (func $f (suspend $pause) (throw $boom (i64.const 99)))
  (elem declare func $f)
  (func $first (result (ref $ct))
    (block $c
      (try_table (catch_all $c)
        (block $h (result (ref $ct)) (resume $ct (on $pause $h) (cont.new $ct (ref.func $f))) (unreachable))
        (return)))
    (unreachable))
  (func (export "run") (result i64) (local $k (ref null $ct))
    (local.set $k (call $first))
    (block $c (result i64) (try_table (catch $boom $c) (resume $ct (local.get $k))) (i64.const 0))))
(assert_return (invoke "run") (i64.const 99))
