;;! test = "ir"
;; A conditional branch that carries operands goes through a block of its own; to the function's label it is a return.
(module
  (func (param i32 i32) (result i32)
    (block (result i32)
      (br_if 0 (local.get 1) (local.get 0))
      (i32.add (i32.const 1))))
  (func (param i32)
    (br_if 0 (local.get 0))
    (unreachable)))

;; sig0 (i32, i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   br_if v0, b2, b1
;; b1:
;;   v2:i32 = iconst 1
;;   v3:i32 = iadd v1, v2
;;   jump b3(v3)
;; b2:
;;   jump b3(v1)
;; b3(v4:i32):
;;   return (v4)
;; }
;;
;; sig0 (i32) -> ()
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   br_if v0, b1, b2
;; b1:
;;   return ()
;; b2 cold:
;;   trap trap=1
;; }
