;; Two continuations hand control to and fro; the one that returns ends the resume.
(module
  (rec (type $ft (func (param i32 (ref null $ct)) (result i32))) (type $ct (cont $ft)))
  (tag $swap (result i32))
  (func $player (type $ft) (local $n i32) (local $k (ref null $ct))
    (local.set $n (local.get 0)) (local.set $k (local.get 1))
    (loop $l
      (if (i32.ge_s (local.get $n) (i32.const 100)) (then (return (local.get $n))))
      (if (ref.is_null (local.get $k)) (then (local.set $k (cont.new $ct (ref.func $player)))))
      (switch $ct $swap (i32.add (local.get $n) (i32.const 1)) (local.get $k))
      (local.set $k) (local.set $n)
      (br $l))
    (unreachable))
  (elem declare func $player)
  (func (export "run") (param i32) (result i32)
    (resume $ct (on $swap switch) (local.get 0) (ref.null $ct) (cont.new $ct (ref.func $player)))))
(assert_return (invoke "run" (i32.const 0)) (i32.const 100))
(assert_return (invoke "run" (i32.const 99)) (i32.const 100))
(assert_return (invoke "run" (i32.const 150)) (i32.const 150))
