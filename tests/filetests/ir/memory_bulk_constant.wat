;;! test = "ir"
;; Copies and fills of small constant lengths are loads and stores, from the end down; in guard mode the accesses are the check.
(module
  (memory 1)
  (func (param i32 i32)
    (memory.copy (local.get 0) (local.get 1) (i32.const 0))
    (memory.copy (local.get 0) (local.get 1) (i32.const 3))
    (memory.copy (local.get 0) (local.get 1) (i32.const 45))
    (memory.fill (local.get 0) (local.get 1) (i32.const 21))
    (memory.fill (i32.const 16) (i32.const -1) (i32.const 16))
    (memory.copy (local.get 0) (local.get 1) (i32.const 129))))

;; sig0 (i32, i32) -> ()
;; sig1 (i32, i32, i64, i64, i64) -> ()
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i32 = iconst 0
;;   v3:i64 = iconst 0
;;   v4:i64 = uextend v1
;;   v5:i64 = uextend v0
;;   v6:addr = vmctx
;;   v7:i64 = load v6, _, +88, vm
;;   v8:i32 = icmp.ugt v5, v7
;;   trap_if v8, trap=2
;;   v9:i64 = load v6, _, +88, vm
;;   v10:i32 = icmp.ugt v4, v9
;;   trap_if v10, trap=2
;;   v11:addr = vmctx_addr 80, _
;;   v12:i32 = iconst 3
;;   v13:i64 = iconst 3
;;   v14:i32 = load16_u v11, v4, +1, memory!2
;;   v15:i32 = load8_u v11, v4, +0, memory!2
;;   store16 v11, v5, v14, +1, memory!2
;;   store8 v11, v5, v15, +0, memory!2
;;   v16:i32 = iconst 45
;;   v17:i64 = iconst 45
;;   v18:v128 = load v11, v4, +29, memory!2
;;   v19:v128 = load v11, v4, +13, memory!2
;;   v20:v128 = load v11, v4, +0, memory!2
;;   store v11, v5, v18, +29, memory!2
;;   store v11, v5, v19, +13, memory!2
;;   store v11, v5, v20, +0, memory!2
;;   v21:i32 = iconst 21
;;   v22:i64 = iconst 21
;;   v23:i32 = iconst 255
;;   v24:i32 = band v1, v23
;;   v25:i64 = uextend v24
;;   v26:i64 = iconst 72340172838076673
;;   v27:i64 = imul v25, v26
;;   v28:i32 = wrap v27
;;   store v11, v5, v27, +13, memory!2
;;   store v11, v5, v27, +5, memory!2
;;   store v11, v5, v27, +0, memory!2
;;   v29:i32 = iconst 16
;;   v30:i32 = iconst -1
;;   v31:i64 = iconst 16
;;   v32:i64 = iconst 255
;;   v33:i64 = iconst -1
;;   store v11, _, v33, +24, memory!2
;;   store v11, _, v33, +16, memory!2
;;   v34:i32 = iconst 129
;;   v35:i64 = iconst 129
;;   v36:i64 = uextend v0
;;   libcall 1(v2, v2, v36, v4, v35), sig1
;;   return ()
;; }
