;; The instructions type-check behind unreachable, and are not run.
(module
  (type $ft (func (param i32) (result i32))) (type $ct (cont $ft)) (type $n (func (result i32))) (type $cn (cont $n))
  (tag $e (param i32) (result i32)) (tag $x (param i64))
  (func (export "resume") (result i32) (unreachable) (resume $ct))
  (func (export "suspend") (result i32) (unreachable) (suspend $e))
  (func (export "bind") (unreachable) (cont.bind $ct $cn) (drop))
  (func (export "new") (unreachable) (cont.new $ct) (drop))
  (func (export "throw") (result i32) (unreachable) (resume_throw $ct $x)))
(assert_trap (invoke "resume") "unreachable")
(assert_trap (invoke "suspend") "unreachable")
(assert_trap (invoke "bind") "unreachable")
(assert_trap (invoke "new") "unreachable")
(assert_trap (invoke "throw") "unreachable")
