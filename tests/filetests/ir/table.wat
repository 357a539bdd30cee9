;;! test = "ir"
;; Function tables hold tagged values, other tables 32-bit references.
(module
  (table $f 2 funcref)
  (table $e 2 10 externref)
  (func (param i32) (result funcref) (table.get $f (local.get 0)))
  (func (param i32 funcref) (table.set $f (local.get 0) (local.get 1)))
  (func (param i32) (result externref) (table.get $e (local.get 0)))
  (func (param i32 externref) (table.set $e (local.get 0) (local.get 1)))
  (func (param i32 externref) (result i32) (table.grow $e (local.get 1) (local.get 0)))
  (func (result i32) (table.size $f)))

;; sig0 (i32) -> (i64)
;; sig1 (i32, i64) -> (i64)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:addr = vmctx
;;   v3:i64 = load v2, _, +80, vm
;;   v4:i32 = icmp.uge v1, v3
;;   trap_if v4, trap=3
;;   v5:addr = load v2, _, +72, vm
;;   v6:i64 = iconst 3
;;   v7:i64 = ishl v1, v6
;;   v8:i64 = load v5, v7, +0, table
;;   v9:i64 = iconst 0
;;   v10:i32 = icmp.eq v8, v9
;;   br_if v10, b1, b2
;; b1 cold:
;;   v11:i32 = iconst 0
;;   v12:i64 = libcall 12(v11, v1), sig1
;;   jump b3(v12)
;; b2:
;;   jump b3(v8)
;; b3(v13:i64):
;;   v14:i64 = iconst 1
;;   v15:i64 = iconst -1
;;   v16:i64 = iadd v13, v15
;;   return (v16)
;; }
;;
;; sig0 (i32, i64) -> ()
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = param 1
;;   v2:i64 = uextend v0
;;   v3:addr = vmctx
;;   v4:i64 = load v3, _, +80, vm
;;   v5:i32 = icmp.uge v2, v4
;;   trap_if v5, trap=3
;;   v6:i64 = iconst 1
;;   v7:i64 = iadd v1, v6
;;   v8:addr = load v3, _, +72, vm
;;   v9:i64 = iconst 3
;;   v10:i64 = ishl v2, v9
;;   store v8, v10, v7, +0, table
;;   return ()
;; }
;;
;; sig0 (i32) -> (ref)
;; func 2 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:addr = vmctx
;;   v3:i64 = load v2, _, +96, vm
;;   v4:i32 = icmp.uge v1, v3
;;   trap_if v4, trap=3
;;   v5:addr = load v2, _, +88, vm
;;   v6:i64 = iconst 2
;;   v7:i64 = ishl v1, v6
;;   v8:ref = load v5, v7, +0, table
;;   return (v8)
;; }
;;
;; sig0 (i32, ref) -> ()
;; func 3 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:ref = param 1
;;   v2:i64 = uextend v0
;;   v3:addr = vmctx
;;   v4:i64 = load v3, _, +96, vm
;;   v5:i32 = icmp.uge v2, v4
;;   trap_if v5, trap=3
;;   v6:addr = load v3, _, +88, vm
;;   v7:i64 = iconst 2
;;   v8:i64 = ishl v2, v7
;;   store v6, v8, v1, +0, table
;;   return ()
;; }
;;
;; sig0 (i32, ref) -> (i32)
;; sig1 (i32, ref, i64) -> (i64)
;; func 4 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:ref = param 1
;;   v2:i64 = uextend v0
;;   v3:i32 = iconst 1
;;   v4:i64 = libcall 6(v3, v1, v2), sig1
;;   v5:i32 = wrap v4
;;   return (v5)
;; }
;;
;; sig0 () -> (i32)
;; func 5 sig0 {
;; b0:
;;   v0:addr = vmctx
;;   v1:i64 = load v0, _, +80, vm
;;   v2:i32 = wrap v1
;;   return (v2)
;; }
