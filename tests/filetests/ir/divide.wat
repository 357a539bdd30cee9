;;! test = "ir"
;; Only a signed division by what may be -1 is checked for overflow.
(module
  (func (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
  (func (param i32) (result i32) (i32.div_s (local.get 0) (i32.const 10)))
  (func (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1)))
  (func (param i64 i64) (result i64) (i64.rem_u (local.get 0) (local.get 1))))

;; sig0 (i32, i32) -> (i32)
;; func 0 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i32 = iconst -2147483648
;;   v3:i32 = icmp.eq v0, v2
;;   v4:i32 = iconst -1
;;   v5:i32 = icmp.eq v1, v4
;;   v6:i32 = band v3, v5
;;   trap_if v6, trap=7
;;   v7:i32 = sdiv v0, v1, trap=8
;;   return (v7)
;; }
;;
;; sig0 (i64, i64) -> (i64)
;; func 1 sig0 {
;; b0:
;;   v0:i64 = param 0
;;   v1:i64 = param 1
;;   v2:i64 = iconst -9223372036854775808
;;   v3:i32 = icmp.eq v0, v2
;;   v4:i64 = iconst -1
;;   v5:i32 = icmp.eq v1, v4
;;   v6:i32 = band v3, v5
;;   trap_if v6, trap=7
;;   v7:i64 = sdiv v0, v1, trap=8
;;   return (v7)
;; }
;;
;; sig0 (i32) -> (i32)
;; func 2 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = iconst 10
;;   v2:i64 = sextend v0
;;   v3:i64 = iconst 3435973837
;;   v4:i64 = imul v2, v3
;;   v5:i64 = iconst 35
;;   v6:i64 = sshr v4, v5
;;   v7:i32 = wrap v6
;;   v8:i32 = iconst 31
;;   v9:i32 = ushr v0, v8
;;   v10:i32 = iadd v7, v9
;;   return (v10)
;; }
;;
;; sig0 (i32, i32) -> (i32)
;; func 3 sig0 {
;; b0:
;;   v0:i32 = param 0
;;   v1:i32 = param 1
;;   v2:i32 = srem v0, v1, trap=8
;;   return (v2)
;; }
;;
;; sig0 (i64, i64) -> (i64)
;; func 4 sig0 {
;; b0:
;;   v0:i64 = param 0
;;   v1:i64 = param 1
;;   v2:i64 = urem v0, v1, trap=8
;;   return (v2)
;; }
