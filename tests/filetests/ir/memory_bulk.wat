;;! test = "ir"
;; Bulk operations are runtime calls; 32-bit addresses and lengths are widened where the call takes 64 bits.
(module
  (memory 1)
  (data "abc")
  (func (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2))
    (memory.fill (local.get 0) (local.get 1) (local.get 2))
    (memory.init 0 (local.get 0) (local.get 1) (local.get 2))
    (data.drop 0)))

;; sig0 (i32, i32, i32) -> ()
;; sig1 (i32, i32, i64, i64, i64) -> ()
;; sig2 (i32, i64, i32, i64) -> ()
;; sig3 (i32, i32, i64, i32, i32) -> ()
;; sig4 (i32) -> ()
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i32 = param 2
;;   v3:i64 = uextend v2
;;   v4:i64 = uextend v1
;;   v5:i64 = uextend v0
;;   v6:i32 = iconst 0
;;   libcall 1(v6, v6, v5, v4, v3), sig1
;;   libcall 2(v6, v5, v1, v3), sig2
;;   libcall 3(v6, v6, v5, v1, v2), sig3
;;   libcall 4(v6), sig4
;;   return ()
;; }
