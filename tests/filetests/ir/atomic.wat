;;! test = "ir"
;; Atomic accesses test alignment first; waits and notifications are checked in full before they leave.
(module
  (memory 1 1 shared)
  (func (param i32 i32) (result i32)
    (i32.atomic.store8 offset=3 (local.get 0) (local.get 1))
    (drop (i32.atomic.rmw16.cmpxchg_u offset=1 (local.get 0) (local.get 1) (i32.const 7)))
    (i32.atomic.rmw.add (i32.const 16) (local.get 1)))
  (func (param i32) (result i32)
    (atomic.fence)
    (drop (memory.atomic.wait32 offset=4 (local.get 0) (i32.const 1) (i64.const -1)))
    (memory.atomic.notify (local.get 0) (i32.const 1))))

;; sig0 (i32, i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i64 = uextend v0
;;   v3:addr = vmctx_addr 72, 0
;;   atomic_store v3, v2, v1, +3, memory!2:1
;;   v4:i32 = iconst 7
;;   v5:i32 = iconst 1
;;   v6:i32 = iadd v0, v5
;;   v7:i32 = band v6, v5
;;   trap_if v7, trap=24
;;   v8:addr = addr_add v3, v2
;;   v9:i32 = atomic_cmpxchg v8, v1, v4, +1, memory!2:2
;;   v10:i32 = iconst 16
;;   v11:i32 = iconst 3
;;   v12:i32 = iconst 0
;;   v13:i32 = atomic_add v3, _, v1, +16, memory!2:4
;;   return (v13)
;; }
;;
;; sig0 (i32) -> (i32)
;; sig1 (i32, i64, i32, i64) -> (i32)
;; sig2 (i32, i64, i32) -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   fence
;;   v1:i32 = iconst 1
;;   v2:i64 = iconst -1
;;   v3:i32 = iconst 3
;;   v4:i32 = band v0, v3
;;   trap_if v4, trap=24
;;   v5:i64 = uextend v0
;;   v6:i64 = iconst 8
;;   v7:i64 = iadd v5, v6
;;   v8:addr = vmctx_addr 72, _
;;   v9:i64 = load v8, _, +8, vm
;;   v10:i32 = icmp.ugt v7, v9
;;   trap_if v10, trap=2
;;   v11:i64 = iconst 4
;;   v12:i64 = iadd v5, v11
;;   v13:i32 = iconst 0
;;   v14:i32 = libcall 28(v13, v12, v1, v2), sig1
;;   v15:i64 = load v8, _, +8, vm
;;   v16:i32 = icmp.ugt v12, v15
;;   trap_if v16, trap=2
;;   v17:i64 = iconst 0
;;   v18:i32 = libcall 30(v13, v5, v1), sig2
;;   return (v18)
;; }
