;;! test = "ir"
;; Memory is taken by moving a pointer, out of line by the runtime; nothing calls between that and the stores of the fields, and zeroes are
;; not stored.
(module
  (type $s (struct (field i32) (field (ref null $s))))
  (type $a (array (mut i16)))
  (func (param i32 (ref null $s)) (result (ref $s)) (struct.new $s (local.get 0) (local.get 1)))
  (func (result (ref $s)) (struct.new_default $s))
  (func (result (ref $s)) (struct.new $s (i32.const 0) (ref.null $s)))
  (func (param i32) (result (ref $a)) (array.new_default $a (local.get 0)))
  (func (param i32) (result (ref $a)) (array.new_fixed $a 2 (local.get 0) (i32.const 7)))
  (func (param i32 i32) (result (ref $a)) (array.new $a (local.get 0) (local.get 1))))

;; sig0 (i32, ref) -> (ref)
;; sig1 (i32) -> (ref)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:ref = param 1
;;   v2:i32 = iconst 16
;;   v3:addr = vmctx_addr 8, _
;;   v4:i32 = load v3, _, +56, allocation
;;   v5:i32 = iadd v4, v2
;;   v6:i32 = load v3, _, +60, allocation
;;   v7:addr = vmctx_addr 40, _
;;   v8:i32 = icmp.ugt v5, v6
;;   br_if v8, b2, b1
;; b1:
;;   store v3, _, v5, +56, allocation
;;   v9:ref = bitcast v4
;;   v10:addr = vmctx_addr 64, _
;;   v11:i32 = load v10, _, +0, readonly
;;   store v7, v9, v11, +0, heap
;;   jump b3(v9)
;; b2 cold:
;;   v12:i32 = iconst 0
;;   v13:ref = libcall 16(v12), sig1
;;   jump b3(v13)
;; b3(v14:ref):
;;   v15:addr = vmctx_addr 40, _
;;   store v15, v14, v0, +8, heap
;;   store v15, v14, v1, +12, heap
;;   return (v14)
;; }
;;
;; sig0 () -> (ref)
;; sig1 (i32) -> (ref)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = iconst 16
;;   v1:addr = vmctx_addr 8, _
;;   v2:i32 = load v1, _, +56, allocation
;;   v3:i32 = iadd v2, v0
;;   v4:i32 = load v1, _, +60, allocation
;;   v5:addr = vmctx_addr 40, _
;;   v6:i32 = icmp.ugt v3, v4
;;   br_if v6, b2, b1
;; b1:
;;   store v1, _, v3, +56, allocation
;;   v7:ref = bitcast v2
;;   v8:addr = vmctx_addr 64, _
;;   v9:i32 = load v8, _, +0, readonly
;;   store v5, v7, v9, +0, heap
;;   jump b3(v7)
;; b2 cold:
;;   v10:i32 = iconst 0
;;   v11:ref = libcall 16(v10), sig1
;;   jump b3(v11)
;; b3(v12:ref):
;;   return (v12)
;; }
;;
;; sig0 () -> (ref)
;; sig1 (i32) -> (ref)
;; func 2 sig0 {
;; b0:
;;   v0:i32 = iconst 0
;;   v1:ref = iconst 0
;;   v2:i32 = iconst 16
;;   v3:addr = vmctx_addr 8, _
;;   v4:i32 = load v3, _, +56, allocation
;;   v5:i32 = iadd v4, v2
;;   v6:i32 = load v3, _, +60, allocation
;;   v7:addr = vmctx_addr 40, _
;;   v8:i32 = icmp.ugt v5, v6
;;   br_if v8, b2, b1
;; b1:
;;   store v3, _, v5, +56, allocation
;;   v9:ref = bitcast v4
;;   v10:addr = vmctx_addr 64, _
;;   v11:i32 = load v10, _, +0, readonly
;;   store v7, v9, v11, +0, heap
;;   jump b3(v9)
;; b2 cold:
;;   v12:i32 = iconst 0
;;   v13:ref = libcall 16(v12), sig1
;;   jump b3(v13)
;; b3(v14:ref):
;;   return (v14)
;; }
;;
;; sig0 (i32) -> (ref)
;; sig1 (i32, i32) -> (ref)
;; func 3 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 32760
;;   v2:i32 = icmp.ule v0, v1
;;   br_if v2, b1, b4
;; b1:
;;   v3:i32 = iconst 1
;;   v4:i32 = ishl v0, v3
;;   v5:i32 = iconst 23
;;   v6:i32 = iadd v4, v5
;;   v7:i32 = iconst -8
;;   v8:i32 = band v6, v7
;;   v9:addr = vmctx_addr 8, _
;;   v10:i32 = load v9, _, +56, allocation
;;   v11:i32 = iadd v10, v8
;;   v12:i32 = load v9, _, +60, allocation
;;   v13:addr = vmctx_addr 40, _
;;   v14:i32 = icmp.ugt v11, v12
;;   br_if v14, b3, b2
;; b2:
;;   store v9, _, v11, +56, allocation
;;   v15:ref = bitcast v10
;;   v16:addr = vmctx_addr 64, _
;;   v17:i32 = load v16, _, +4, readonly
;;   store v13, v15, v17, +0, heap
;;   v18:addr = vmctx_addr 40, _
;;   store v18, v15, v0, +8, heap
;;   jump b6(v15)
;; b3 cold:
;;   jump b5()
;; b4 cold:
;;   jump b5()
;; b5 cold:
;;   v19:i32 = iconst 1
;;   v20:ref = libcall 17(v19, v0), sig1
;;   jump b6(v20)
;; b6(v21:ref):
;;   return (v21)
;; }
;;
;; sig0 (i32) -> (ref)
;; sig1 (i32, i32) -> (ref)
;; func 4 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 7
;;   v2:i32 = iconst 2
;;   v3:i32 = iconst 32760
;;   v4:i32 = iconst 1
;;   jump b1()
;; b1:
;;   v5:i32 = iconst 1
;;   v6:i32 = iconst 4
;;   v7:i32 = iconst 23
;;   v8:i32 = iconst 27
;;   v9:i32 = iconst -8
;;   v10:i32 = iconst 24
;;   v11:addr = vmctx_addr 8, _
;;   v12:i32 = load v11, _, +56, allocation
;;   v13:i32 = iadd v12, v10
;;   v14:i32 = load v11, _, +60, allocation
;;   v15:addr = vmctx_addr 40, _
;;   v16:i32 = icmp.ugt v13, v14
;;   br_if v16, b3, b2
;; b2:
;;   store v11, _, v13, +56, allocation
;;   v17:ref = bitcast v12
;;   v18:addr = vmctx_addr 64, _
;;   v19:i32 = load v18, _, +4, readonly
;;   store v15, v17, v19, +0, heap
;;   v20:addr = vmctx_addr 40, _
;;   store v20, v17, v2, +8, heap
;;   jump b4(v17)
;; b3 cold:
;;   v21:i32 = iconst 1
;;   v22:ref = libcall 17(v21, v2), sig1
;;   jump b4(v22)
;; b4(v23:ref):
;;   v24:i32 = iconst 0
;;   v25:i32 = iconst 1
;;   v26:addr = ref_add v23, v24
;;   v27:addr = vmctx_addr 40, _
;;   store16 v27, v23, v0, +16, heap
;;   v28:i32 = iconst 2
;;   v29:addr = ref_add v23, v28
;;   store16 v27, v23, v1, +18, heap
;;   return (v23)
;; }
;;
;; sig0 (i32, i32) -> (ref)
;; sig1 (i32, i32) -> (ref)
;; sig2 (ref, i32, i64, i32, i64) -> ()
;; func 5 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i32 = iconst 32760
;;   v3:i32 = icmp.ule v1, v2
;;   br_if v3, b1, b4
;; b1:
;;   v4:i32 = iconst 1
;;   v5:i32 = ishl v1, v4
;;   v6:i32 = iconst 23
;;   v7:i32 = iadd v5, v6
;;   v8:i32 = iconst -8
;;   v9:i32 = band v7, v8
;;   v10:addr = vmctx_addr 8, _
;;   v11:i32 = load v10, _, +56, allocation
;;   v12:i32 = iadd v11, v9
;;   v13:i32 = load v10, _, +60, allocation
;;   v14:addr = vmctx_addr 40, _
;;   v15:i32 = icmp.ugt v12, v13
;;   br_if v15, b3, b2
;; b2:
;;   store v10, _, v12, +56, allocation
;;   v16:ref = bitcast v11
;;   v17:addr = vmctx_addr 64, _
;;   v18:i32 = load v17, _, +4, readonly
;;   store v14, v16, v18, +0, heap
;;   v19:addr = vmctx_addr 40, _
;;   store v19, v16, v1, +8, heap
;;   jump b6(v16)
;; b3 cold:
;;   jump b5()
;; b4 cold:
;;   jump b5()
;; b5 cold:
;;   v20:i32 = iconst 1
;;   v21:ref = libcall 17(v20, v1), sig1
;;   jump b6(v21)
;; b6(v22:ref):
;;   v23:i32 = iconst 0
;;   v24:i64 = uextend v0
;;   v25:i64 = iconst 0
;;   libcall 20(v22, v23, v24, v1, v25), sig2
;;   return (v22)
;; }
