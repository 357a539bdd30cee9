;;! test = "ir"
;; What the branch hint section calls unlikely becomes a cold block.
(module
  (func (param i32) (result i32)
    local.get 0
    (@metadata.code.branch_hint "\00")
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)
  (func (param i32) (result i32)
    local.get 0
    (@metadata.code.branch_hint "\01")
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)
  (func (param i32)
    block
      local.get 0
      (@metadata.code.branch_hint "\01")
      br_if 0
      i32.const 0
      i32.const 0
      i32.store
    end)
  (func (param i32) (result i32)
    i32.const 7
    local.get 0
    (@metadata.code.branch_hint "\00")
    br_if 0
    drop
    i32.const 8)
  (memory 1))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   br_if v0, b1, b2
;; b1 cold:
;;   v1:i32 = iconst 1
;;   jump b3(v1)
;; b2:
;;   v2:i32 = iconst 2
;;   jump b3(v2)
;; b3(v3:i32):
;;   return (v3)
;; }
;;
;; sig0 (i32) -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   br_if v0, b1, b2
;; b1:
;;   v1:i32 = iconst 1
;;   jump b3(v1)
;; b2 cold:
;;   v2:i32 = iconst 2
;;   jump b3(v2)
;; b3(v3:i32):
;;   return (v3)
;; }
;;
;; sig0 (i32) -> ()
;; func 2 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   br_if v0, b2, b1
;; b1 cold:
;;   v1:i32 = iconst 0
;;   v2:addr = vmctx_addr 80, _
;;   store v2, _, v1, +0, memory!2
;;   jump b3()
;; b2:
;;   jump b3()
;; b3:
;;   return ()
;; }
;;
;; sig0 (i32) -> (i32)
;; func 3 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 7
;;   br_if v0, b1, b2
;; b1 cold:
;;   return (v1)
;; b2:
;;   v2:i32 = iconst 8
;;   return (v2)
;; }
