;; Objects that only a suspended continuation refers to survive allocation, and keep their contents.
(module
  (type $box (struct (field (mut i32)) (field (ref null $box))))
  (type $ft (func (result i32))) (type $ct (cont $ft))
  (tag $e)
  (func $list (param $n i32) (result (ref null $box)) (local $l (ref null $box))
    (loop $m
      (local.set $l (struct.new $box (local.get $n) (local.get $l)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $m (local.get $n)))
    (local.get $l))
  (func $sum (param $l (ref null $box)) (result i32) (local $s i32)
    (loop $m
      (if (i32.eqz (ref.is_null (local.get $l)))
        (then
          (local.set $s (i32.add (local.get $s) (struct.get $box 0 (local.get $l))))
          (local.set $l (struct.get $box 1 (local.get $l))) (br $m))))
    (local.get $s))
  (func $f (result i32) (local $l (ref null $box))
    (local.set $l (call $list (i32.const 100)))
    (suspend $e)
    (call $sum (local.get $l)))
  (elem declare func $f)
  (func (export "run") (result i32) (local $k (ref null $ct)) (local $i i32)
    (block $h (result (ref $ct)) (drop (resume $ct (on $e $h) (cont.new $ct (ref.func $f)))) (unreachable))
    (local.set $k)
    (loop $m
      (drop (call $list (i32.const 200)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $m (i32.lt_u (local.get $i) (i32.const 50))))
    (resume $ct (local.get $k))))
(assert_return (invoke "run") (i32.const 5050))
(assert_return (invoke "run") (i32.const 5050))
