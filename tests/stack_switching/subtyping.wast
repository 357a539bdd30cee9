;; Continuation types follow the subtyping of their function types.
(module
  (rec (type $f0 (sub (func (result (ref null any))))) (type $f1 (sub $f0 (func (result (ref null struct))))))
  (rec (type $c0 (sub (cont $f0))) (type $c1 (sub $c0 (cont $f1))))
  (type $s (struct (field i32)))
  (func $f (type $f1) (struct.new $s (i32.const 4)))
  (elem declare func $f)
  (func $use (param (ref null $c0)) (result i32) (struct.get $s 0 (ref.cast (ref $s) (resume $c0 (local.get 0)))))
  (func (export "run") (result i32) (call $use (cont.new $c1 (ref.func $f)))))
(assert_return (invoke "run") (i32.const 4))
