;;! test = "ir"
;; An `if` with both arms: the result is a parameter of the block after it.
(module
  (func (param i32 i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 1) (i32.const 1)))
      (else (local.get 2)))))

;; sig0 (i32, i32, i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i32 = param 2
;;   br_if v0, b1, b2
;; b1:
;;   v3:i32 = iconst 1
;;   v4:i32 = iadd v1, v3
;;   jump b3(v4)
;; b2:
;;   jump b3(v2)
;; b3(v5:i32):
;;   return (v5)
;; }
