;;! test = "ir"
;; Null is 0 in both representations.
(module
  (func $f)
  (elem declare func $f)
  (func (result i32) (ref.is_null (ref.func $f)))
  (func (param externref) (result i32) (ref.is_null (local.get 0)))
  (func (param i32 funcref) (result funcref) (select (result funcref) (ref.null func) (local.get 1) (local.get 0))))

;; sig0 () -> ()
;; func 0 sig0 {
;; b0:
;;   return ()
;; }
;;
;; sig0 () -> (i32)
;; sig1 (i32) -> (i64)
;; func 1 sig0 {
;; b0:
;;   v0:i32 = iconst 0
;;   v1:i64 = libcall 13(v0), sig1
;;   v2:i64 = iconst 0
;;   v3:i32 = icmp.eq v1, v2
;;   return (v3)
;; }
;;
;; sig0 (ref) -> (i32)
;; func 2 sig0 {
;; b0:
;;   v0:ref = param 0
;;   v1:ref = iconst 0
;;   v2:i32 = icmp.eq v0, v1
;;   return (v2)
;; }
;;
;; sig0 (i32, i64) -> (i64)
;; func 3 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i64 = param 1
;;   v2:i64 = iconst 0
;;   v3:i64 = select v0, v2, v1
;;   return (v3)
;; }
