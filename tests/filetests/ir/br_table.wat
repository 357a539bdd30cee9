;;! test = "ir"
;; Labels with operands share one block per label, whatever the number of entries.
(module
  (func (param i32) (result i32)
    (block (block (block
      (br_table 0 1 0 2 1 (local.get 0)))
      (return (i32.const 10)))
      (return (i32.const 20)))
    (i32.const 30))
  (func (param i32 i32) (result i32)
    (block (result i32)
      (br_table 0 1 0 1 (local.get 1) (local.get 0)))
    (i32.add (i32.const 5))))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   br_table v0, [b1, b2, b1, b3, b2]
;; b1:
;;   v1:i32 = iconst 10
;;   return (v1)
;; b2:
;;   v2:i32 = iconst 20
;;   return (v2)
;; b3:
;;   v3:i32 = iconst 30
;;   return (v3)
;; }
;;
;; sig0 (i32, i32) -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   br_table v0, [b2, b1, b2, b1]
;; b1:
;;   return (v1)
;; b2:
;;   jump b3()
;; b3:
;;   v2:i32 = iconst 5
;;   v3:i32 = iadd v1, v2
;;   return (v3)
;; }
