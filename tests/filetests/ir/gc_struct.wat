;;! test = "ir"
;; A field access is one load or store through the heap's base, null found by its fault; an immutable field is readonly.
(module
  (type $s (struct (field i32) (field (mut i8)) (field (mut (ref null $s))) (field (mut funcref))))
  (func (param (ref null $s)) (result i32) (struct.get $s 0 (local.get 0)))
  (func (param (ref null $s)) (result i32) (struct.get_s $s 1 (local.get 0)))
  (func (param (ref null $s)) (result (ref null $s)) (struct.get $s 2 (local.get 0)))
  (func (param (ref null $s) (ref null $s)) (struct.set $s 2 (local.get 0) (local.get 1)))
  (func (param (ref null $s)) (result funcref) (struct.get $s 3 (local.get 0)))
  (func (param (ref null $s) funcref) (struct.set $s 3 (local.get 0) (local.get 1))))

;; sig0 (ref) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:addr = vmctx_addr 40, _
;;   v2:i32 = load v1, v0, +8, readonly!15
;;   return (v2)
;; }
;;
;; sig0 (ref) -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:addr = vmctx_addr 40, _
;;   v2:i32 = load8_s v1, v0, +12, heap!15
;;   return (v2)
;; }
;;
;; sig0 (ref) -> (ref)
;; func 2 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:addr = vmctx_addr 40, _
;;   v2:ref = load v1, v0, +16, heap!15
;;   return (v2)
;; }
;;
;; sig0 (ref, ref) -> ()
;; func 3 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:ref = param 1
;;   v2:addr = vmctx_addr 40, _
;;   store v2, v0, v1, +16, heap!15
;;   v3:i32 = bitcast v0
;;   v4:i32 = iconst 9
;;   v5:i32 = ushr v3, v4
;;   v6:i64 = uextend v5
;;   v7:i32 = iconst 1
;;   store8 v2, v6, v7, +65536, cards
;;   return ()
;; }
;;
;; sig0 (ref) -> (i64)
;; func 4 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:addr = vmctx_addr 40, _
;;   v2:i32 = load v1, v0, +20, heap!15
;;   v3:addr = vmctx_addr 8, _
;;   v4:i64 = uextend v2
;;   v5:i64 = load v3, _, +80, vm
;;   v6:i32 = icmp.uge v4, v5
;;   trap_if v6, trap=1
;;   v7:addr = load v3, _, +72, vm
;;   v8:i64 = iconst 3
;;   v9:i64 = ishl v4, v8
;;   v10:i64 = load v7, v9, +0, vm
;;   return (v10)
;; }
;;
;; sig0 (ref, i64) -> ()
;; sig1 (i64) -> (i32)
;; func 5 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i64 = param 1
;;   v2:i64 = iconst 0
;;   v3:i32 = icmp.eq v1, v2
;;   br_if v3, b1, b2
;; b1:
;;   v4:i32 = iconst 0
;;   jump b5(v4)
;; b2:
;;   v5:addr = bitcast v1
;;   v6:i32 = load v5, _, +32, vm
;;   br_if v6, b4, b3
;; b3 cold:
;;   v7:i32 = libcall 26(v1), sig1
;;   jump b5(v7)
;; b4:
;;   jump b5(v6)
;; b5(v8:i32):
;;   v9:addr = vmctx_addr 40, _
;;   store v9, v0, v8, +20, heap!15
;;   return ()
;; }
