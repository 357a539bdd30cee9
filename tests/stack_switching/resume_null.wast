;; Resuming null traps, with and without handlers.
(module
  (type $ft (func))
  (type $ct (cont $ft))
  (tag $e)
  (func (export "plain") (resume $ct (ref.null $ct)))
  (func (export "handlers") (block $h (result (ref $ct)) (resume $ct (on $e $h) (ref.null $ct)) (return)) (drop))
  (func (export "bottom") (resume $ct (ref.null nocont))))
(assert_trap (invoke "plain") "null continuation reference")
(assert_trap (invoke "handlers") "null continuation reference")
(assert_trap (invoke "bottom") "null continuation reference")
