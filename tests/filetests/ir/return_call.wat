;;! test = "ir"
;; Tail calls end their function: of a defined function, an import, a table's element.
(module
  (type $t (func (param i32) (result i32)))
  (import "m" "f" (func $import (type $t)))
  (table 4 4 funcref)
  (func $f (type $t) (return_call $f (i32.add (local.get 0) (i32.const 1))))
  (func (type $t) (return_call $import (local.get 0)))
  (func (type $t)
    (if (result i32) (local.get 0)
      (then (return_call $f (local.get 0)))
      (else (return_call_indirect (type $t) (i32.const 7) (local.get 0))))))

;; sig0 (i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 1
;;   v2:i32 = iadd v0, v1
;;   return_call 0(v2), sig0
;; }
;;
;; sig0 (i32) -> (i32)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   return_call_import 0(v0), sig0
;; }
;;
;; sig0 (i32) -> (i32)
;; sig1 (i32, i64) -> (i64)
;; func 2 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   br_if v0, b1, b2
;; b1:
;;   return_call 0(v0), sig0
;; b2:
;;   v1:i32 = iconst 7
;;   v2:i64 = uextend v0
;;   v3:i64 = iconst 4
;;   v4:i32 = iconst 4
;;   v5:i32 = icmp.uge v0, v4
;;   trap_if v5, trap=4
;;   v6:addr = vmctx_addr 104, _
;;   v7:i64 = iconst 3
;;   v8:i64 = ishl v2, v7
;;   v9:i64 = load v6, v8, +0, table
;;   v10:i64 = iconst 0
;;   v11:i32 = icmp.eq v9, v10
;;   br_if v11, b3, b4
;; b3 cold:
;;   v12:i32 = iconst 0
;;   v13:i64 = libcall 12(v12, v2), sig1
;;   jump b5(v13)
;; b4:
;;   jump b5(v9)
;; b5(v14:i64):
;;   v15:addr = bitcast v14
;;   v16:i32 = load v15, _, +15, readonly!5
;;   v17:addr = vmctx_addr 64, _
;;   v18:i32 = load v17, _, +0, readonly
;;   v19:i32 = icmp.eq v16, v18
;;   trap_unless v19, trap=6
;;   return_call_indirect v14, 1(v1), sig0
;; }
