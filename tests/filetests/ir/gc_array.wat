;;! test = "ir"
;; The length's load finds null; the index is compared; the element's address is a 32-bit sum.
(module
  (type $a (array (mut i64)))
  (type $c (array i8))
  (func (param (ref null $a) i32) (result i64) (array.get $a (local.get 0) (local.get 1)))
  (func (param (ref null $a) i32 i64) (array.set $a (local.get 0) (local.get 1) (local.get 2)))
  (func (param (ref null $c)) (result i32) (array.get_u $c (local.get 0) (i32.const 3)))
  (func (param (ref null $a)) (result i32) (array.len (local.get 0)))
  (func (param (ref null $a) i32 i64 i32) (array.fill $a (local.get 0) (local.get 1) (local.get 2) (local.get 3))))

;; sig0 (ref, i32) -> (i64)
;; func 0 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i32 = param 1
;;   v2:addr = vmctx_addr 40, _
;;   v3:i32 = load v2, v0, +8, readonly!16
;;   v4:i32 = icmp.uge v1, v3
;;   trap_if v4, trap=18
;;   v5:i32 = iconst 3
;;   v6:i32 = ishl v1, v5
;;   v7:addr = ref_add v0, v6
;;   v8:i64 = load v2, v7, +16, heap
;;   return (v8)
;; }
;;
;; sig0 (ref, i32, i64) -> ()
;; func 1 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i32 = param 1
;;   v2:i64 = param 2
;;   v3:addr = vmctx_addr 40, _
;;   v4:i32 = load v3, v0, +8, readonly!16
;;   v5:i32 = icmp.uge v1, v4
;;   trap_if v5, trap=18
;;   v6:i32 = iconst 3
;;   v7:i32 = ishl v1, v6
;;   v8:addr = ref_add v0, v7
;;   store v3, v8, v2, +16, heap
;;   return ()
;; }
;;
;; sig0 (ref) -> (i32)
;; func 2 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i32 = iconst 3
;;   v2:addr = vmctx_addr 40, _
;;   v3:i32 = load v2, v0, +8, readonly!16
;;   v4:i32 = icmp.ule v3, v1
;;   trap_if v4, trap=18
;;   v5:i32 = iconst 0
;;   v6:addr = ref_add v0, v1
;;   v7:i32 = load8_u v2, v0, +19, readonly
;;   return (v7)
;; }
;;
;; sig0 (ref) -> (i32)
;; func 3 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:addr = vmctx_addr 40, _
;;   v2:i32 = load v1, v0, +8, readonly!16
;;   return (v2)
;; }
;;
;; sig0 (ref, i32, i64, i32) -> ()
;; sig1 (ref, i32, i64, i32, i64) -> ()
;; func 4 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:i32 = param 1
;;   v2:i64 = param 2
;;   v3:i32 = param 3
;;   v4:ref = iconst 0
;;   v5:i32 = icmp.eq v0, v4
;;   trap_if v5, trap=16
;;   v6:i64 = iconst 0
;;   libcall 20(v0, v1, v2, v3, v6), sig1
;;   return ()
;; }
