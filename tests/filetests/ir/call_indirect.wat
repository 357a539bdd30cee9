;;! test = "ir"
;; Bounds, not initialised (cold), null (by the fault of the type load), type. The first table's size is fixed: no length is read.
(module
  (type $t (func (param i32) (result i32)))
  (table 4 4 funcref)
  (table 1 funcref)
  (func (param i32 i32) (result i32) (call_indirect 0 (type $t) (local.get 0) (local.get 1)))
  (func (param i32 i32) (result i32) (call_indirect 1 (type $t) (local.get 0) (local.get 1))))

;; sig0 (i32, i32) -> (i32)
;; sig1 (i32, i64) -> (i64)
;; sig2 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i64 = uextend v1
;;   v3:i64 = iconst 4
;;   v4:i32 = iconst 4
;;   v5:i32 = icmp.uge v1, v4
;;   trap_if v5, trap=4
;;   v6:addr = vmctx_addr 72, _
;;   v7:i64 = iconst 3
;;   v8:i64 = ishl v2, v7
;;   v9:i64 = load v6, v8, +0, table
;;   v10:i64 = iconst 0
;;   v11:i32 = icmp.eq v9, v10
;;   br_if v11, b1, b2
;; b1 cold:
;;   v12:i32 = iconst 0
;;   v13:i64 = libcall 12(v12, v2), sig1
;;   jump b3(v13)
;; b2:
;;   jump b3(v9)
;; b3(v14:i64):
;;   v15:addr = bitcast v14
;;   v16:i32 = load v15, _, +15, readonly!5
;;   v17:addr = vmctx_addr 64, _
;;   v18:i32 = load v17, _, +0, readonly
;;   v19:i32 = icmp.eq v16, v18
;;   trap_unless v19, trap=6
;;   v20:i32 = call_indirect v14, 1(v0), sig2
;;   return (v20)
;; }
;;
;; sig0 (i32, i32) -> (i32)
;; sig1 (i32, i64) -> (i64)
;; sig2 (i32) -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i64 = uextend v1
;;   v3:addr = vmctx
;;   v4:i64 = load v3, _, +96, vm
;;   v5:i32 = icmp.uge v2, v4
;;   trap_if v5, trap=4
;;   v6:addr = load v3, _, +88, vm
;;   v7:i64 = iconst 3
;;   v8:i64 = ishl v2, v7
;;   v9:i64 = load v6, v8, +0, table
;;   v10:i64 = iconst 0
;;   v11:i32 = icmp.eq v9, v10
;;   br_if v11, b1, b2
;; b1 cold:
;;   v12:i32 = iconst 1
;;   v13:i64 = libcall 12(v12, v2), sig1
;;   jump b3(v13)
;; b2:
;;   jump b3(v9)
;; b3(v14:i64):
;;   v15:addr = bitcast v14
;;   v16:i32 = load v15, _, +15, readonly!5
;;   v17:addr = vmctx_addr 64, _
;;   v18:i32 = load v17, _, +0, readonly
;;   v19:i32 = icmp.eq v16, v18
;;   trap_unless v19, trap=6
;;   v20:i32 = call_indirect v14, 1(v0), sig2
;;   return (v20)
;; }
