;;! test = "ir"
;;! bounds = "explicit"
;; Copies and fills of small constant lengths are loads and stores, from the end down; in explicit mode both ends are checked first.
(module
  (memory 1)
  (func (param i32 i32)
    (memory.copy (local.get 0) (local.get 1) (i32.const 0))
    (memory.copy (local.get 0) (local.get 1) (i32.const 3))
    (memory.copy (local.get 0) (local.get 1) (i32.const 45))
    (memory.fill (local.get 0) (local.get 1) (i32.const 21))
    (memory.fill (i32.const 16) (i32.const -1) (i32.const 16))))

;; sig0 (i32, i32) -> ()
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
;;   v14:i64 = iadd v5, v13
;;   v15:i64 = load v6, _, +88, vm
;;   v16:i32 = icmp.ugt v14, v15
;;   trap_if v16, trap=2
;;   v17:i64 = iadd v4, v13
;;   v18:i64 = load v6, _, +88, vm
;;   v19:i32 = icmp.ugt v17, v18
;;   trap_if v19, trap=2
;;   v20:i32 = load16_u v11, v4, +1, memory
;;   v21:i32 = load8_u v11, v4, +0, memory
;;   store16 v11, v5, v20, +1, memory
;;   store8 v11, v5, v21, +0, memory
;;   v22:i32 = iconst 45
;;   v23:i64 = iconst 45
;;   v24:i64 = iadd v5, v23
;;   v25:i64 = load v6, _, +88, vm
;;   v26:i32 = icmp.ugt v24, v25
;;   trap_if v26, trap=2
;;   v27:i64 = iadd v4, v23
;;   v28:i64 = load v6, _, +88, vm
;;   v29:i32 = icmp.ugt v27, v28
;;   trap_if v29, trap=2
;;   v30:v128 = load v11, v4, +29, memory
;;   v31:v128 = load v11, v4, +13, memory
;;   v32:v128 = load v11, v4, +0, memory
;;   store v11, v5, v30, +29, memory
;;   store v11, v5, v31, +13, memory
;;   store v11, v5, v32, +0, memory
;;   v33:i32 = iconst 21
;;   v34:i64 = iconst 21
;;   v35:i64 = iadd v5, v34
;;   v36:i64 = load v6, _, +88, vm
;;   v37:i32 = icmp.ugt v35, v36
;;   trap_if v37, trap=2
;;   v38:i32 = iconst 255
;;   v39:i32 = band v1, v38
;;   v40:i64 = uextend v39
;;   v41:i64 = iconst 72340172838076673
;;   v42:i64 = imul v40, v41
;;   v43:i32 = wrap v42
;;   store v11, v5, v42, +13, memory
;;   store v11, v5, v42, +5, memory
;;   store v11, v5, v42, +0, memory
;;   v44:i32 = iconst 16
;;   v45:i32 = iconst -1
;;   v46:i64 = iconst 16
;;   v47:i64 = iconst 32
;;   v48:i64 = load v6, _, +88, vm
;;   v49:i32 = icmp.ult v48, v47
;;   trap_if v49, trap=2
;;   v50:i64 = iconst 255
;;   v51:i64 = iconst -1
;;   store v11, _, v51, +24, memory
;;   store v11, _, v51, +16, memory
;;   return ()
;; }
