;; References travel as exception payload out of a continuation.
(module
  (type $box (struct (field i32)))
  (type $ft (func)) (type $ct (cont $ft))
  (tag $e (param (ref $box)))
  (func $f (throw $e (struct.new $box (i32.const 31))))
  (elem declare func $f)
  (func (export "run") (result i32)
    (block $c (result (ref $box)) (try_table (catch $e $c) (resume $ct (cont.new $ct (ref.func $f)))) (return (i32.const 0)))
    (struct.get $box 0)))
(assert_return (invoke "run") (i32.const 31))
