;; Values pass along with a switch, in both directions, the continuation last.
(module
  (rec
    (type $fa (func (param i32 i64 (ref null $cb)) (result f64))) (type $ca (cont $fa))
    (type $fb (func (param f32 (ref null $ca2)) (result f64))) (type $cb (cont $fb))
    (type $fa2 (func (param i32 i64 (ref null $cb)) (result f64))) (type $ca2 (cont $fa2)))
  (tag $swap (result f64))
  (func $second (type $fa)
    (f64.add (f64.convert_i32_s (local.get 0)) (f64.convert_i64_s (local.get 1))))
  (func $first (type $fb)
    (switch $ca $swap (i32.const 2) (i64.const 40) (cont.new $ca (ref.func $second)))
    (drop) (drop) (unreachable))
  (elem declare func $first $second)
  (func (export "run") (result f64) (resume $cb (on $swap switch) (f32.const 0) (ref.null $ca2) (cont.new $cb (ref.func $first)))))
(assert_return (invoke "run") (f64.const 42))
