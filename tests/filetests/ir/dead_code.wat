;;! test = "ir"
;; What follows a branch that is always taken is skipped, blocks in it included; an `else` ends the skipping.
(module
  (func (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then
        (return (i32.const 1))
        (block (loop (br 1)) (if (i32.const 0) (then (nop)) (else (unreachable))))
        (i32.const 2))
      (else (i32.const 3))))
  (func (result i32)
    (block (result i32) (br 0 (i32.const 4)) (drop) (i32.const 5))))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   br_if v0, b1, b2
;; b1:
;;   v1:i32 = iconst 1
;;   return (v1)
;; b2:
;;   v2:i32 = iconst 3
;;   return (v2)
;; }
;;
;; sig0 () -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = iconst 4
;;   jump b1()
;; b1:
;;   return (v0)
;; }
