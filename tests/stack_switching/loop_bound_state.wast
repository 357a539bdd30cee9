;; Many suspensions of one continuation: state in locals and memory goes on from where it was.
(module
  (type $ft (func (result i64))) (type $ct (cont $ft))
  (memory 1)
  (tag $e (param i64))
  (func $fib (result i64) (local $a i64) (local $b i64) (local $i i32)
    (local.set $b (i64.const 1))
    (loop $l
      (suspend $e (local.get $a))
      (local.get $b) (local.set $b (i64.add (local.get $a) (local.get $b))) (local.set $a)
      (i64.store (i32.shl (local.get $i) (i32.const 3)) (local.get $a))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 90))))
    (local.get $a))
  (elem declare func $fib)
  (func (export "run") (result i64 i64) (local $k (ref null $ct)) (local $last i64)
    (local.set $k (cont.new $ct (ref.func $fib)))
    (loop $l
      (block $h (result i64 (ref $ct))
        (resume $ct (on $e $h) (local.get $k)) (return (local.get $last)))
      (local.set $k) (local.set $last) (br $l))
    (unreachable)))
(assert_return (invoke "run") (i64.const 2880067194370816120) (i64.const 1779979416004714189))
