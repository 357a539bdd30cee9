;;! test = "ir"
;; A loop's variables are parameters of its header; its own parameters are, too.
(module
  (func (param i32) (result i32) (local i32)
    (loop
      (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (param i32) (result i64)
    (i64.const 1)
    (loop (param i64) (result i64)
      (i64.mul (i64.extend_i32_u (local.get 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 0
;;   jump b1(v1, v0)
;; b1(v2:i32, v3:i32):
;;   v4:i32 = iadd v2, v3
;;   v5:i32 = iconst 1
;;   v6:i32 = iconst -1
;;   v7:i32 = iadd v3, v6
;;   br_if v7, b2, b3
;; b2:
;;   jump b1(v4, v7)
;; b3:
;;   return (v4)
;; }
;;
;; sig0 (i32) -> (i64)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = iconst 1
;;   jump b1(v1, v0)
;; b1(v2:i64, v3:i32):
;;   v4:i64 = uextend v3
;;   v5:i64 = imul v2, v4
;;   v6:i32 = iconst 1
;;   v7:i32 = iconst -1
;;   v8:i32 = iadd v3, v7
;;   br_if v8, b2, b3
;; b2:
;;   jump b1(v5, v8)
;; b3:
;;   return (v5)
;; }
