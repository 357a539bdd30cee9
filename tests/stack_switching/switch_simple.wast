;; switch goes to another continuation under the same resume, and gives it the one that was left.
(module
  (rec (type $ft (func (param (ref null $ct)) (result i32))) (type $ct (cont $ft)))
  (tag $swap (result i32))
  (type $ut (func (param i32) (result i32)))
  (func $b (type $ft) (i32.const 7))
  (func $a (type $ft) (drop (switch $ct $swap (cont.new $ct (ref.func $b)))) (unreachable))
  (elem declare func $a $b)
  (func (export "run") (result i32)
    (resume $ct (on $swap switch) (ref.null $ct) (cont.new $ct (ref.func $a)))))
(assert_return (invoke "run") (i32.const 7))
