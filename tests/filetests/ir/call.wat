;;! test = "ir"
;; Direct calls name a defined function, imported ones an import; further results are projections.
(module
  (import "m" "f" (func $import (param i64)))
  (func $pair (param i32) (result i32 f64) (local.get 0) (f64.const 1.5))
  (func (param i32) (result f64)
    (call $import (i64.const 3))
    (call $pair (local.get 0))
    (f64.add (f64.convert_i32_s (i32.const 2)))
    (f64.mul (f64.const 0.5))
    (drop)
    (f64.convert_i32_s)))

;; sig0 (i32) -> (i32, f64)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:f64 = fconst 0x3ff8000000000000
;;   return (v0, v1)
;; }
;;
;; sig0 (i32) -> (f64)
;; sig1 (i64) -> ()
;; sig2 (i32) -> (i32, f64)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = iconst 3
;;   call_import 0(v1), sig1
;;   v2:i32 = call 0(v0), sig2
;;   v3:f64 = proj v2, 1
;;   v4:i32 = iconst 2
;;   v5:f64 = fconst 0x4000000000000000
;;   v6:f64 = fadd v3, v5
;;   v7:f64 = fconst 0x3fe0000000000000
;;   v8:f64 = fmul v6, v7
;;   v9:f64 = fcvt_from_sint v2
;;   return (v9)
;; }
