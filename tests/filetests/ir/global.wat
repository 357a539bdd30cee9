;;! test = "ir"
;; Immutable globals with a constant value are that value; other immutable ones are read from a region that nothing writes.
(module
  (import "m" "g" (global $imported i32))
  (global $constant i64 (i64.const -1))
  (global $copied i32 (global.get $imported))
  (global $mutable (mut f32) (f32.const 0.5))
  (func (result i64) (global.get $constant))
  (func (result i32) (i32.add (global.get $imported) (global.get $copied)))
  (func (param f32) (result f32) (global.get $mutable) (global.set $mutable (local.get 0))))

;; sig0 () -> (i64)
;; func 0 sig0 {
;; b0:
;;   v0:i64 = iconst -1
;;   return (v0)
;; }
;;
;; sig0 () -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:addr = vmctx_addr 72, _
;;   v1:i32 = load v0, _, +0, readonly
;;   v2:addr = vmctx
;;   v3:i32 = load v2, _, +104, readonly
;;   v4:i32 = iadd v1, v3
;;   return (v4)
;; }
;;
;; sig0 (f32) -> (f32)
;; func 2 sig0 {
;; b0:
;;   v0:f32 = param 0
;;   v1:addr = vmctx
;;   v2:f32 = load v1, _, +108, global
;;   store v1, _, v0, +108, global
;;   return (v2)
;; }
