;;! test = "ir"
;; Casts are traps in a row: i31, then the type word, whose load finds null. A final type is one comparison, another a look at the display.
(module
  (type $top (sub (struct)))
  (type $low (sub final $top (struct (field i32))))
  (func (param anyref) (result (ref $low)) (ref.cast (ref $low) (local.get 0)))
  (func (param anyref) (result (ref $top)) (ref.cast (ref $top) (local.get 0)))
  (func (param anyref) (result (ref null $low)) (ref.cast (ref null $low) (local.get 0)))
  (func (param anyref) (result (ref i31)) (ref.cast (ref i31) (local.get 0)))
  (func (param anyref) (result eqref) (ref.cast eqref (local.get 0)))
  (func (param anyref) (result i32) (ref.test (ref array) (local.get 0)))
  (func (param anyref) (result i32) (ref.test (ref i31) (local.get 0)))
  (func (param funcref) (result i32) (ref.test (ref func) (local.get 0)))
  (func (param anyref) (result i32)
    (block $l (result (ref $low)) (drop (br_on_cast $l anyref (ref $low) (local.get 0))) (return (i32.const 0)))
    (struct.get $low 0))
  (func (param eqref eqref) (result i32) (ref.eq (local.get 0) (local.get 1)))
  (func (param i32) (result i32) (i31.get_s (ref.i31 (local.get 0)))))

;; sig0 (ref) -> (ref)
;; func 0 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i32 = bitcast v0
;;   v2:i32 = iconst 1
;;   v3:i32 = band v1, v2
;;   trap_if v3, trap=19
;;   v4:addr = vmctx_addr 40, _
;;   v5:i32 = load v4, v0, +0, readonly!19
;;   v6:addr = vmctx_addr 64, _
;;   v7:i32 = load v6, _, +4, readonly
;;   v8:i32 = icmp.eq v5, v7
;;   trap_unless v8, trap=19
;;   return (v0)
;; }
;;
;; sig0 (ref) -> (ref)
;; func 1 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i32 = bitcast v0
;;   v2:i32 = iconst 1
;;   v3:i32 = band v1, v2
;;   trap_if v3, trap=19
;;   v4:addr = vmctx_addr 40, _
;;   v5:i32 = load v4, v0, +0, readonly!19
;;   v6:addr = vmctx_addr 64, _
;;   v7:i32 = load v6, _, +0, readonly
;;   v8:i32 = iconst 16777215
;;   v9:i32 = band v5, v8
;;   v10:i64 = uextend v9
;;   v11:i64 = iconst 6
;;   v12:i64 = ishl v10, v11
;;   v13:addr = vmctx_addr 8, _
;;   v14:addr = load v13, _, +64, readonly
;;   v15:i32 = load v14, v12, +8, readonly
;;   v16:i32 = icmp.eq v15, v7
;;   trap_unless v16, trap=19
;;   return (v0)
;; }
;;
;; sig0 (ref) -> (ref)
;; func 2 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:ref = iconst 0
;;   v2:i32 = icmp.eq v0, v1
;;   br_if v2, b2, b1
;; b1:
;;   v3:i32 = bitcast v0
;;   v4:i32 = iconst 1
;;   v5:i32 = band v3, v4
;;   trap_if v5, trap=19
;;   v6:addr = vmctx_addr 40, _
;;   v7:i32 = load v6, v0, +0, readonly
;;   v8:addr = vmctx_addr 64, _
;;   v9:i32 = load v8, _, +4, readonly
;;   v10:i32 = icmp.eq v7, v9
;;   trap_unless v10, trap=19
;;   jump b3()
;; b2:
;;   jump b3()
;; b3:
;;   return (v0)
;; }
;;
;; sig0 (ref) -> (ref)
;; func 3 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i32 = bitcast v0
;;   v2:i32 = iconst 1
;;   v3:i32 = band v1, v2
;;   trap_unless v3, trap=19
;;   return (v0)
;; }
;;
;; sig0 (ref) -> (ref)
;; func 4 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:ref = iconst 0
;;   v2:i32 = icmp.eq v0, v1
;;   br_if v2, b4, b1
;; b1:
;;   v3:i32 = bitcast v0
;;   v4:i32 = iconst 1
;;   v5:i32 = band v3, v4
;;   br_if v5, b3, b2
;; b2:
;;   v6:addr = vmctx_addr 40, _
;;   v7:i32 = load v6, v0, +0, readonly
;;   v8:i32 = iconst 24
;;   v9:i32 = ushr v7, v8
;;   v10:i32 = iconst 2
;;   v11:i32 = icmp.ule v9, v10
;;   trap_unless v11, trap=19
;;   jump b5()
;; b3:
;;   jump b5()
;; b4:
;;   jump b5()
;; b5:
;;   return (v0)
;; }
;;
;; sig0 (ref) -> (i32)
;; func 5 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:ref = iconst 0
;;   v2:i32 = icmp.ne v0, v1
;;   br_if v2, b1, b6
;; b1:
;;   v3:i32 = bitcast v0
;;   v4:i32 = iconst 1
;;   v5:i32 = band v3, v4
;;   br_if v5, b5, b2
;; b2:
;;   v6:addr = vmctx_addr 40, _
;;   v7:i32 = load v6, v0, +0, readonly
;;   v8:i32 = iconst 24
;;   v9:i32 = ushr v7, v8
;;   v10:i32 = iconst 2
;;   v11:i32 = icmp.eq v9, v10
;;   br_if v11, b3, b4
;; b3:
;;   v12:i32 = iconst 1
;;   jump b8(v12)
;; b4:
;;   jump b7()
;; b5:
;;   jump b7()
;; b6:
;;   jump b7()
;; b7:
;;   v13:i32 = iconst 0
;;   jump b8(v13)
;; b8(v14:i32):
;;   return (v14)
;; }
;;
;; sig0 (ref) -> (i32)
;; func 6 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i32 = bitcast v0
;;   v2:i32 = iconst 1
;;   v3:i32 = band v1, v2
;;   return (v3)
;; }
;;
;; sig0 (i64) -> (i32)
;; func 7 sig0 {
;; b0:
;;   v0:i64 = param 0
;;   v1:i64 = iconst 0
;;   v2:i32 = icmp.ne v0, v1
;;   return (v2)
;; }
;;
;; sig0 (ref) -> (i32)
;; func 8 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:ref = iconst 0
;;   v2:i32 = icmp.ne v0, v1
;;   br_if v2, b1, b7
;; b1:
;;   v3:i32 = bitcast v0
;;   v4:i32 = iconst 1
;;   v5:i32 = band v3, v4
;;   br_if v5, b6, b2
;; b2:
;;   v6:addr = vmctx_addr 40, _
;;   v7:i32 = load v6, v0, +0, readonly
;;   v8:addr = vmctx_addr 64, _
;;   v9:i32 = load v8, _, +4, readonly
;;   v10:i32 = icmp.eq v7, v9
;;   br_if v10, b4, b3
;; b3:
;;   jump b8()
;; b4:
;;   jump b5()
;; b5:
;;   v11:addr = vmctx_addr 40, _
;;   v12:i32 = load v11, v0, +8, readonly!15
;;   return (v12)
;; b6:
;;   jump b8()
;; b7:
;;   jump b8()
;; b8:
;;   v13:i32 = iconst 0
;;   return (v13)
;; }
;;
;; sig0 (ref, ref) -> (i32)
;; func 9 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:ref = param 1
;;   v2:i32 = icmp.eq v0, v1
;;   return (v2)
;; }
;;
;; sig0 (i32) -> (i32)
;; func 10 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 1
;;   v2:i32 = ishl v0, v1
;;   v3:i32 = bor v2, v1
;;   v4:ref = bitcast v3
;;   trap_unless v3, trap=17
;;   v5:i32 = sshr v3, v1
;;   return (v5)
;; }
