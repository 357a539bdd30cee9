;;! test = "ir"
;;! bounds = "guard"
;; Relaxed operations do what the deterministic profile says.
(module
  (func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))
  (func (param v128 v128 v128) (result v128) (f64x2.relaxed_nmadd (local.get 0) (local.get 1) (local.get 2)))
  (func (param v128 v128 v128) (result v128) (i16x8.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))
  (func (param v128) (result v128) (i32x4.relaxed_trunc_f64x2_u_zero (local.get 0)))
  (func (param v128 v128) (result v128) (f64x2.relaxed_min (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (i16x8.relaxed_q15mulr_s (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (i16x8.relaxed_dot_i8x16_i7x16_s (local.get 0) (local.get 1)))
  (func (param v128 v128 v128) (result v128) (i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get 0) (local.get 1) (local.get 2))))

;; sig0 (v128, v128, v128) -> (v128)
;; func 0 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = param 2
;;   v3:v128 = vfmul.f32x4 v0, v1
;;   v4:v128 = vfadd.f32x4 v3, v2
;;   return (v4)
;; }
;;
;; sig0 (v128, v128, v128) -> (v128)
;; func 1 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = param 2
;;   v3:v128 = vfmul.f64x2 v0, v1
;;   v4:v128 = vfsub.f64x2 v2, v3
;;   return (v4)
;; }
;;
;; sig0 (v128, v128, v128) -> (v128)
;; func 2 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = param 2
;;   v3:v128 = vbitselect v0, v1, v2
;;   return (v3)
;; }
;;
;; sig0 (v128, v128) -> (v128)
;; func 3 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = vswizzle v0, v1
;;   return (v2)
;; }
;;
;; sig0 (v128) -> (v128)
;; func 4 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = vtrunc_sat_u.f64x2 v0
;;   return (v1)
;; }
;;
;; sig0 (v128, v128) -> (v128)
;; func 5 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = vfmin.f64x2 v0, v1
;;   return (v2)
;; }
;;
;; sig0 (v128, v128) -> (v128)
;; func 6 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = vq15mulr.i16x8 v0, v1
;;   return (v2)
;; }
;;
;; sig0 (v128, v128) -> (v128)
;; func 7 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = vextend_low_s.i16x8 v0
;;   v3:v128 = vextend_low_s.i16x8 v1
;;   v4:v128 = vdot.i32x4 v2, v3
;;   v5:v128 = vextend_high_s.i16x8 v0
;;   v6:v128 = vextend_high_s.i16x8 v1
;;   v7:v128 = vdot.i32x4 v5, v6
;;   v8:v128 = vnarrow_s.i16x8 v4, v7
;;   return (v8)
;; }
;;
;; sig0 (v128, v128, v128) -> (v128)
;; func 8 sig0 {
;; b0:
;;   v0:v128 = param 0
;;   v1:v128 = param 1
;;   v2:v128 = param 2
;;   v3:v128 = vextend_low_s.i16x8 v0
;;   v4:v128 = vextend_low_s.i16x8 v1
;;   v5:v128 = vdot.i32x4 v3, v4
;;   v6:v128 = vextend_high_s.i16x8 v0
;;   v7:v128 = vextend_high_s.i16x8 v1
;;   v8:v128 = vdot.i32x4 v6, v7
;;   v9:v128 = vnarrow_s.i16x8 v5, v8
;;   v10:v128 = vextadd_s.i32x4 v9
;;   v11:v128 = viadd.i32x4 v10, v2
;;   return (v11)
;; }
