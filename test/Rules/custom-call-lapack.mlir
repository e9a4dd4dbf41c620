// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Calls of LAPACK: values scale as the matrix does, vectors do not.

// CHECK-LABEL: func.func @decompositions(
func.func @decompositions(%a: tensor<5x4x4xf32>, %b: tensor<4x4xf64>, %c: tensor<4x4xcomplex<f64>>)
    -> (tensor<4x4xf64>) {
  // CHECK: "lapack_ssyevd_ffi"{{.*}}rule<([i,j,k])->([i,l,m],[i,n],[i]) frozen {j,k,l,m,n} : r0 = 0, r1 = o0, r2 = 0>
  %e:3 = "stablehlo.custom_call"(%a) <{call_target_name = "lapack_ssyevd_ffi"}> {mhlo.backend_config = {mode = 86 : ui8, uplo = 76 : ui8}} : (tensor<5x4x4xf32>) -> (tensor<5x4x4xf32>, tensor<5x4xf32>, tensor<5xi32>)
  // CHECK: "lapack_dgesdd_ffi"{{.*}}rule<([i,j])->([k,l],[m],[n,o],[p,q],[]) frozen {i,j,k,l,m,n,o,p,q} : r0 = 0, r1 = o0, r2 = 0, r3 = 0, r4 = 0>
  %s:5 = "stablehlo.custom_call"(%b) <{call_target_name = "lapack_dgesdd_ffi"}> {mhlo.backend_config = {mode = 65 : ui8}} : (tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<4xf64>, tensor<4x4xf64>, tensor<4x4xf64>, tensor<i32>)
  // CHECK: "lapack_zgeev_ffi"{{.*}}rule<([i,j])->([k],[l,m],[n,o],[]) frozen {i,j,k,l,m,n,o} : r0 = o0, r1 = 0, r2 = 0, r3 = 0>
  %g:4 = "stablehlo.custom_call"(%c) <{call_target_name = "lapack_zgeev_ffi"}> {mhlo.backend_config = {compute_left = 78 : ui8, compute_right = 86 : ui8}} : (tensor<4x4xcomplex<f64>>) -> (tensor<4xcomplex<f64>>, tensor<4x4xcomplex<f64>>, tensor<4x4xcomplex<f64>>, tensor<i32>)
  // What is left of the matrix is used; vectors that were not asked for; results that are not the target's.
  // CHECK: "lapack_dgesdd_ffi"{{.*}}rule<barrier>
  %t:5 = "stablehlo.custom_call"(%b) <{call_target_name = "lapack_dgesdd_ffi"}> {mhlo.backend_config = {mode = 65 : ui8}} : (tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<4xf64>, tensor<4x4xf64>, tensor<4x4xf64>, tensor<i32>)
  // CHECK: "lapack_dsyevd_ffi"{{.*}}rule<barrier>
  %n:3 = "stablehlo.custom_call"(%t#0) <{call_target_name = "lapack_dsyevd_ffi"}> {mhlo.backend_config = {mode = 78 : ui8}} : (tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<4xf64>, tensor<i32>)
  // CHECK: "lapack_dsyevd_ffi"{{.*}}rule<barrier>
  "stablehlo.custom_call"(%b) <{call_target_name = "lapack_dsyevd_ffi"}> {mhlo.backend_config = {mode = 86 : ui8}} : (tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<i32>)
  // LU packs two triangles of different degrees.
  // CHECK: "lapack_dgetrf_ffi"{{.*}}rule<barrier>
  %lu:3 = "stablehlo.custom_call"(%b) <{call_target_name = "lapack_dgetrf_ffi"}> : (tensor<4x4xf64>) -> (tensor<4x4xf64>, tensor<4xi32>, tensor<i32>)
  return %n#0 : tensor<4x4xf64>
}
