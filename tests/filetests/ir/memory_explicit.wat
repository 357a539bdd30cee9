;;! test = "ir"
;;! bounds = "explicit"
;; Explicit mode: the end of the access is compared with the length, which is read anew each time.
(module
  (memory 1)
  (func (param i32) (result i32) (i32.load offset=8 (local.get 0)))
  (func (param i32) (i64.store offset=0xffffffff (local.get 0) (i64.const 1))))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:i64 = iconst 12
;;   v3:i64 = iadd v1, v2
;;   v4:addr = vmctx
;;   v5:i64 = load v4, _, +88, vm
;;   v6:i32 = icmp.ugt v3, v5
;;   trap_if v6, trap=2
;;   v7:addr = vmctx_addr 80, _
;;   v8:i32 = load v7, v1, +8, memory
;;   return (v8)
;; }
;;
;; sig0 (i32) -> ()
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = iconst 1
;;   v2:i64 = uextend v0
;;   v3:i64 = iconst 4294967303
;;   v4:i64 = iadd v2, v3
;;   v5:addr = vmctx
;;   v6:i64 = load v5, _, +88, vm
;;   v7:i32 = icmp.ugt v4, v6
;;   trap_if v7, trap=2
;;   v8:i64 = iconst 4294967295
;;   v9:i64 = iadd v2, v8
;;   v10:addr = vmctx_addr 80, _
;;   store v10, v9, v1, +0, memory
;;   return ()
;; }
