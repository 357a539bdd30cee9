;;! test = "ir"
;; Throwing, catching by try_table inside another one, and the legacy kind with a rethrow: calls end blocks, pads lead to one dispatch a scope.
(module
  (tag $t (param i32 f64)) (tag $u)
  (func $f (param i32))
  (func (param i32) (throw $t (local.get 0) (f64.const 1)))
  (func (param i32) (result i32)
    (block $outer
      (try_table (catch_all $outer)
        (block $inner (result i32 f64 exnref)
          (try_table (catch_ref $t $inner) (catch $u $outer) (call $f (local.get 0)))
          (return (i32.const 1)))
        (drop) (drop)
        (return)))
    (i32.const 2))
  (func (param i32) (result i32)
    (try (result i32)
      (do (call $f (local.get 0)) (i32.const 3))
      (catch $t (drop))
      (catch_all (rethrow 0)))))

;; sig0 (i32) -> ()
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   return ()
;; }
;;
;; sig0 (i32) -> ()
;; sig1 (i32) -> ()
;; func 1 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:f64 = fconst 0x3ff0000000000000
;;   v2:addr = record
;;   v3:addr = load v2, _, +40, vm
;;   store v3, _, v0, +0, vm
;;   store v3, _, v1, +16, vm
;;   v4:i32 = iconst 0
;;   libcall 14(v4), sig1
;;   trap trap=1
;; }
;;
;; sig0 (i32) -> (i32)
;; sig1 (i32) -> ()
;; func 2 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   call 0(v0), sig1
;;   unwind_edge [1, 1, 8, 2, 2, 0], b12, b1
;; b1 cold:
;;   jump b2()
;; b2 cold:
;;   v1:addr = record
;;   v2:i32 = load v1, _, +216, vm
;;   v3:i32 = iconst 1
;;   v4:i32 = icmp.eq v2, v3
;;   br_if v4, b3, b5
;; b3 cold:
;;   v5:addr = record
;;   v6:addr = load v5, _, +40, vm
;;   v7:i32 = load v6, _, +0, vm
;;   v8:f64 = load v6, _, +16, vm
;;   v9:ref = load v5, _, +220, vm
;;   jump b4()
;; b4:
;;   return (v7)
;; b5 cold:
;;   v10:addr = record
;;   v11:i32 = load v10, _, +216, vm
;;   v12:i32 = iconst 2
;;   v13:i32 = icmp.eq v11, v12
;;   br_if v13, b10, b6
;; b6 cold:
;;   jump b7()
;; b7 cold:
;;   v14:addr = record
;;   v15:i32 = load v14, _, +216, vm
;;   v16:i32 = iconst 0
;;   v17:i32 = icmp.eq v15, v16
;;   br_if v15, b8, b9
;; b8 cold:
;;   trap trap=1
;; b9 cold:
;;   jump b11()
;; b10 cold:
;;   jump b11()
;; b11:
;;   v18:i32 = iconst 2
;;   return (v18)
;; b12:
;;   jump b13()
;; b13:
;;   v19:i32 = iconst 1
;;   return (v19)
;; }
;;
;; sig0 (i32) -> (i32)
;; sig1 (i32) -> ()
;; sig2 (ref) -> ()
;; func 3 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   call 0(v0), sig1
;;   unwind_edge [0, 0, 3, 1], b1, b2
;; b1:
;;   v1:i32 = iconst 3
;;   jump b5(v1)
;; b2 cold:
;;   jump b3()
;; b3 cold:
;;   v2:addr = record
;;   v3:i32 = load v2, _, +216, vm
;;   v4:i32 = iconst 0
;;   v5:i32 = icmp.eq v3, v4
;;   br_if v3, b6, b4
;; b4 cold:
;;   v6:addr = record
;;   v7:ref = load v6, _, +220, vm
;;   v8:addr = load v6, _, +40, vm
;;   v9:i32 = load v8, _, +0, vm
;;   v10:f64 = load v8, _, +16, vm
;;   jump b5(v9)
;; b5(v11:i32):
;;   return (v11)
;; b6 cold:
;;   v12:addr = record
;;   v13:i32 = load v12, _, +216, vm
;;   v14:i32 = iconst 1
;;   v15:i32 = icmp.eq v13, v14
;;   br_if v15, b7, b8
;; b7 cold:
;;   v16:addr = record
;;   v17:ref = load v16, _, +220, vm
;;   libcall 15(v17), sig2
;;   trap trap=1
;; b8 cold:
;;   trap trap=1
;; }
