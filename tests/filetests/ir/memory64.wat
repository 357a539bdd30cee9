;;! test = "ir"
;; 64-bit addresses are always compared, with the carry of address plus offset.
(module
  (memory i64 1)
  (memory $other 1)
  (func (param i64) (result i64)
    (i64.load offset=8 (local.get 0)))
  (func (param i64) (result i64)
    (i64.load offset=0xfffffffffffffff9 (local.get 0)))
  (func (param i64 i32) (result i64)
    (memory.copy $other 0 (local.get 1) (local.get 0) (local.get 1))
    (memory.grow (memory.size))))

;; sig0 (i64) -> (i64)
;; func 0 sig0 {
;; b0:
;;   v0:i64 = param 0
;;   v1:i64 = iconst 16
;;   v2:i64 = iadd v0, v1
;;   v3:i32 = icmp.ult v2, v0
;;   trap_if v3, trap=2
;;   v4:addr = vmctx
;;   v5:i64 = load v4, _, +96, vm
;;   v6:i32 = icmp.ugt v2, v5
;;   trap_if v6, trap=2
;;   v7:addr = vmctx_addr 88, _
;;   v8:i64 = load v7, v0, +8, memory
;;   return (v8)
;; }
;;
;; sig0 (i64) -> (i64)
;; func 1 sig0 {
;; b0:
;;   v0:i64 = param 0
;;   v1:i64 = iconst 1
;;   v2:i64 = iadd v0, v1
;;   v3:i32 = iconst 1
;;   trap trap=2
;; }
;;
;; sig0 (i64, i32) -> (i64)
;; sig1 (i32, i32, i64, i64, i64) -> ()
;; sig2 (i32, i64) -> (i64)
;; func 2 sig0 {
;; b0:
;;   v0:i64 = param 0
;;   v1:i32 = param 1
;;   v2:i64 = uextend v1
;;   v3:i32 = iconst 1
;;   v4:i32 = iconst 0
;;   libcall 1(v3, v4, v2, v0, v2), sig1
;;   v5:i64 = iconst 16
;;   v6:addr = vmctx
;;   v7:i64 = load v6, _, +96, vm
;;   v8:i64 = ushr v7, v5
;;   v9:i64 = libcall 0(v4, v8), sig2
;;   return (v9)
;; }
