;; A continuation that is running cannot be resumed from inside itself.
(module
  (type $ft (func))
  (type $ct (cont $ft))
  (global $k (mut (ref null $ct)) (ref.null $ct))
  (func $self (resume $ct (global.get $k)))
  (elem declare func $self)
  (func (export "self") (global.set $k (cont.new $ct (ref.func $self))) (resume $ct (global.get $k))))
(assert_trap (invoke "self") "continuation already consumed")
