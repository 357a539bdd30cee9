;; A generator: values are taken one by one until it returns.
(module
  (type $ft (func (param i32)))
  (type $ct (cont $ft))
  (type $nt (func))
  (type $cn (cont $nt))
  (tag $yield (param i32))
  (func $count (param $n i32) (local $i i32)
    (loop $l
      (if (i32.lt_u (local.get $i) (local.get $n))
        (then (suspend $yield (local.get $i)) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l)))))
  (elem declare func $count)
  (func (export "sum") (param $n i32) (result i32) (local $sum i32) (local $k (ref null $cn))
    (local.set $k (cont.bind $ct $cn (local.get $n) (cont.new $ct (ref.func $count))))
    (loop $l
      (block $h (result i32 (ref $cn))
        (resume $cn (on $yield $h) (local.get $k))
        (return (local.get $sum)))
      (local.set $k) (local.set $sum (i32.add (local.get $sum))) (br $l))
    (unreachable)))
(assert_return (invoke "sum" (i32.const 0)) (i32.const 0))
(assert_return (invoke "sum" (i32.const 1)) (i32.const 0))
(assert_return (invoke "sum" (i32.const 10)) (i32.const 45))
(assert_return (invoke "sum" (i32.const 1000)) (i32.const 499500))
