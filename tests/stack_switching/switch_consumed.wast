;; The target of a switch is consumed by it.
(module
  (rec (type $ft (func (param (ref null $ct)) (result i32))) (type $ct (cont $ft)))
  (tag $swap (result i32))
  (global $b (mut (ref null $ct)) (ref.null $ct))
  (func $back (type $ft) (drop (switch $ct $swap (local.get 0))) (i32.const 5))
  (func $a (type $ft)
    (global.set $b (cont.new $ct (ref.func $back)))
    (drop (switch $ct $swap (global.get $b)))
    (drop (switch $ct $swap (global.get $b)))
    (i32.const 9))
  (elem declare func $a $back)
  (func (export "run") (result i32) (resume $ct (on $swap switch) (ref.null $ct) (cont.new $ct (ref.func $a)))))
(assert_trap (invoke "run") "continuation already consumed")
