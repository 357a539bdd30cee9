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
;;   v1:i32 = iconst 0
;;   v2:i32 = icmp.eq v0, v1
;;   br_if v0, b1, b7
;; b1:
;;   v3:i32 = iconst 2
;;   v4:i32 = icmp.eq v0, v3
;;   br_if v4, b6, b2
;; b2:
;;   v5:i32 = iconst 3
;;   v6:i32 = icmp.eq v0, v5
;;   br_if v6, b5, b3
;; b3:
;;   jump b4()
;; b4:
;;   v7:i32 = iconst 20
;;   return (v7)
;; b5:
;;   v8:i32 = iconst 30
;;   return (v8)
;; b6:
;;   jump b8()
;; b7:
;;   jump b8()
;; b8:
;;   v9:i32 = iconst 10
;;   return (v9)
;; }
;;
;; sig0 (i32, i32) -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i32 = iconst 0
;;   v3:i32 = icmp.eq v0, v2
;;   br_if v0, b1, b5
;; b1:
;;   v4:i32 = iconst 2
;;   v5:i32 = icmp.eq v0, v4
;;   br_if v5, b2, b3
;; b2:
;;   jump b6()
;; b3:
;;   jump b4()
;; b4:
;;   return (v1)
;; b5:
;;   jump b6()
;; b6:
;;   jump b7()
;; b7:
;;   v6:i32 = iconst 5
;;   v7:i32 = iadd v1, v6
;;   return (v7)
;; }
