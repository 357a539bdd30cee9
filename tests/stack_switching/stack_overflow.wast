;; Recursion without end inside a continuation is exhaustion, and can be followed by more.
(module
  (type $ft (func)) (type $ct (cont $ft))
  (func $forever (call $forever))
  (func $nest (resume $ct (cont.new $ct (ref.func $nest))))
  (elem declare func $forever $nest)
  (func (export "deep") (resume $ct (cont.new $ct (ref.func $forever))))
  (func (export "alive") (result i32) (i32.const 1)))
(assert_exhaustion (invoke "deep") "call stack exhausted")
(assert_return (invoke "alive") (i32.const 1))
(assert_exhaustion (invoke "deep") "call stack exhausted")
(assert_return (invoke "alive") (i32.const 1))
