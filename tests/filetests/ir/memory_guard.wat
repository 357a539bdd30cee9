;;! test = "ir"
;; Guard mode: the access faults by itself. Constant addresses fold into the displacement; offsets from 2^31 on do not (ZX-3).
(module
  (memory 1)
  (func (param i32) (result i32) (i32.load offset=8 (local.get 0)))
  (func (param i32) (result i64) (i64.load8_s offset=0x80000000 (local.get 0)))
  (func (param i64) (i64.store32 offset=4 (i32.const 1024) (local.get 0)))
  (func (param f64) (f64.store (i32.const -8) (local.get 0))))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:addr = vmctx_addr 80, _
;;   v3:i32 = load v2, v1, +8, memory!2
;;   return (v3)
;; }
;;
;; sig0 (i32) -> (i64)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:i64 = iconst 2147483648
;;   v3:i64 = iadd v1, v2
;;   v4:addr = vmctx_addr 80, _
;;   v5:i64 = load8_s v4, v3, +0, memory!2
;;   return (v5)
;; }
;;
;; sig0 (i64) -> ()
;; func 2 sig0 {
;; b0:
;;   v0:i64 = param 0
;;   v1:i32 = iconst 1024
;;   v2:addr = vmctx_addr 80, _
;;   store32 v2, _, v0, +1028, memory!2
;;   return ()
;; }
;;
;; sig0 (f64) -> ()
;; func 3 sig0 {
;; b0:
;;   v0:f64 = param 0
;;   v1:i32 = iconst -8
;;   v2:i64 = iconst 4294967288
;;   v3:addr = vmctx_addr 80, _
;;   store v3, v2, v0, +0, memory!2
;;   return ()
;; }
