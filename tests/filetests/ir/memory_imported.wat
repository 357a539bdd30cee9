;;! test = "ir"
;; An imported memory is reached through the pointer to its definition.
(module
  (import "m" "memory" (memory 1))
  (func (param i32) (result i32) (i32.load16_u (local.get 0)))
  (func (param i32) (result i32) (memory.grow (local.get 0)))
  (func (result i32) (memory.size)))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = uextend v0
;;   v2:addr = vmctx_addr 72, 0
;;   v3:i32 = load16_u v2, v1, +0, memory!2
;;   return (v3)
;; }
;;
;; sig0 (i32) -> (i32)
;; sig1 (i32, i64) -> (i64)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 0
;;   v2:i64 = uextend v0
;;   v3:i64 = libcall 0(v1, v2), sig1
;;   v4:i32 = wrap v3
;;   return (v4)
;; }
;;
;; sig0 () -> (i32)
;; func 2 sig0 {
;; b0:
;;   v0:i64 = iconst 16
;;   v1:addr = vmctx_addr 72, _
;;   v2:i64 = load v1, _, +8, vm
;;   v3:i64 = ushr v2, v0
;;   v4:i32 = wrap v3
;;   return (v4)
;; }
