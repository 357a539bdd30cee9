;;! test = "ir"
;; Without `else` the parameters of the `if` are its results on the other way.
(module
  (func (param i32 i32) (result i32)
    (local.get 1)
    (if (param i32) (result i32) (local.get 0)
      (then (i32.mul (i32.const 3)))))
  (func (param i32) (result i32) (local i32)
    (if (local.get 0) (then (local.set 1 (i32.const 7))))
    (local.get 1)))

;; sig0 (i32, i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   br_if v0, b1, b2
;; b1:
;;   v2:i32 = iconst 3
;;   v3:i32 = imul v1, v2
;;   jump b3(v3)
;; b2:
;;   jump b3(v1)
;; b3(v4:i32):
;;   return (v4)
;; }
;;
;; sig0 (i32) -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 0
;;   br_if v0, b1, b2
;; b1:
;;   v2:i32 = iconst 7
;;   jump b3(v2)
;; b2:
;;   jump b3(v1)
;; b3(v3:i32):
;;   return (v3)
;; }
