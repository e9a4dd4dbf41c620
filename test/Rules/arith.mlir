// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// The arith dialect, alphabetically.

// CHECK-LABEL: func.func @arith(
func.func @arith(%x: tensor<2x3xf32>,
    %y: tensor<2x3xf32>,
    %k: tensor<2x3xi32>,
    %m: tensor<2x3xi32>,
    %p: tensor<2x3xi1>) {
  // CHECK: arith.addf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (+,+) : r0 = o0, r0 = o1>
  %0 = arith.addf %x, %y : tensor<2x3xf32>
  // CHECK: arith.addi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %1 = arith.addi %k, %m : tensor<2x3xi32>
  // CHECK: arith.addui_extended{{.*}} #noether.rule<([i,j],[i,j])->([i,j],[i,j]) : r0 = 0, r1 = 0>
  %low, %carry = arith.addui_extended %k, %m : tensor<2x3xi32>, tensor<2x3xi1>
  // CHECK: arith.andi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %2 = arith.andi %k, %m : tensor<2x3xi32>
  // CHECK: arith.bitcast{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %3 = arith.bitcast %x : tensor<2x3xf32> to tensor<2x3xi32>
  // CHECK: arith.ceildivsi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %4 = arith.ceildivsi %k, %m : tensor<2x3xi32>
  // CHECK: arith.ceildivui{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %5 = arith.ceildivui %k, %m : tensor<2x3xi32>
  // CHECK: arith.cmpf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (?,?) : o0 = o1, r0 = 0>
  %6 = arith.cmpf ogt, %x, %y : tensor<2x3xf32>
  // CHECK: arith.cmpi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %7 = arith.cmpi slt, %k, %m : tensor<2x3xi32>
  // CHECK: arith.constant{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  %8 = arith.constant dense<1.0> : tensor<2x3xf32>
  // CHECK: arith.divf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (*,_) : r0 = o0 - o1>
  %9 = arith.divf %x, %y : tensor<2x3xf32>
  // CHECK: arith.divsi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %10 = arith.divsi %k, %m : tensor<2x3xi32>
  // CHECK: arith.divui{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %11 = arith.divui %k, %m : tensor<2x3xi32>
  // CHECK: arith.extf{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  %12 = arith.extf %x : tensor<2x3xf32> to tensor<2x3xf64>
  // CHECK: arith.extsi{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %13 = arith.extsi %k : tensor<2x3xi32> to tensor<2x3xi64>
  // CHECK: arith.extui{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %14 = arith.extui %k : tensor<2x3xi32> to tensor<2x3xi64>
  // CHECK: arith.floordivsi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %15 = arith.floordivsi %k, %m : tensor<2x3xi32>
  // CHECK: arith.fptosi{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %16 = arith.fptosi %x : tensor<2x3xf32> to tensor<2x3xi32>
  // CHECK: arith.fptoui{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %17 = arith.fptoui %x : tensor<2x3xf32> to tensor<2x3xi32>
  // CHECK: arith.index_cast{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %18 = arith.index_cast %k : tensor<2x3xi32> to tensor<2x3xindex>
  // CHECK: arith.index_castui{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %19 = arith.index_castui %k : tensor<2x3xi32> to tensor<2x3xindex>
  // CHECK: arith.maximumf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (?,?) : r0 = o0, r0 = o1>
  %20 = arith.maximumf %x, %y : tensor<2x3xf32>
  // CHECK: arith.maxnumf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (?,?) : r0 = o0, r0 = o1>
  %21 = arith.maxnumf %x, %y : tensor<2x3xf32>
  // CHECK: arith.maxsi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %22 = arith.maxsi %k, %m : tensor<2x3xi32>
  // CHECK: arith.maxui{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %23 = arith.maxui %k, %m : tensor<2x3xi32>
  // CHECK: arith.minimumf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (?,?) : r0 = o0, r0 = o1>
  %24 = arith.minimumf %x, %y : tensor<2x3xf32>
  // CHECK: arith.minnumf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (?,?) : r0 = o0, r0 = o1>
  %25 = arith.minnumf %x, %y : tensor<2x3xf32>
  // CHECK: arith.minsi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %26 = arith.minsi %k, %m : tensor<2x3xi32>
  // CHECK: arith.minui{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %27 = arith.minui %k, %m : tensor<2x3xi32>
  // CHECK: arith.mulf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (*,*) : r0 = o0 + o1>
  %28 = arith.mulf %x, %y : tensor<2x3xf32>
  // CHECK: arith.muli{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %29 = arith.muli %k, %m : tensor<2x3xi32>
  // CHECK: arith.mulsi_extended{{.*}} #noether.rule<([i,j],[i,j])->([i,j],[i,j]) : r0 = 0, r1 = 0>
  %low1, %high1 = arith.mulsi_extended %k, %m : tensor<2x3xi32>
  // CHECK: arith.mului_extended{{.*}} #noether.rule<([i,j],[i,j])->([i,j],[i,j]) : r0 = 0, r1 = 0>
  %low2, %high2 = arith.mului_extended %k, %m : tensor<2x3xi32>
  // CHECK: arith.negf{{.*}} #noether.rule<([i,j])->([i,j]) uses (-) : r0 = o0>
  %30 = arith.negf %x : tensor<2x3xf32>
  // CHECK: arith.ori{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %31 = arith.ori %k, %m : tensor<2x3xi32>
  // CHECK: arith.remf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = o0, r0 = o1>
  %32 = arith.remf %x, %y : tensor<2x3xf32>
  // CHECK: arith.remsi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %33 = arith.remsi %k, %m : tensor<2x3xi32>
  // CHECK: arith.remui{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %34 = arith.remui %k, %m : tensor<2x3xi32>
  // CHECK: arith.select{{.*}} #noether.rule<([i,j],[i,j],[i,j])->([i,j]) uses (_,|,|) : r0 = o1, r0 = o2>
  %35 = arith.select %p, %x, %y : tensor<2x3xi1>, tensor<2x3xf32>
  // CHECK: arith.shli{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %36 = arith.shli %k, %m : tensor<2x3xi32>
  // CHECK: arith.shrsi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %37 = arith.shrsi %k, %m : tensor<2x3xi32>
  // CHECK: arith.shrui{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %38 = arith.shrui %k, %m : tensor<2x3xi32>
  // CHECK: arith.sitofp{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %39 = arith.sitofp %k : tensor<2x3xi32> to tensor<2x3xf32>
  // CHECK: arith.subf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (+,-) : r0 = o0, r0 = o1>
  %40 = arith.subf %x, %y : tensor<2x3xf32>
  // CHECK: arith.subi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %41 = arith.subi %k, %m : tensor<2x3xi32>
  // CHECK: arith.truncf{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  %42 = arith.truncf %x : tensor<2x3xf32> to tensor<2x3xbf16>
  // CHECK: arith.trunci{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %43 = arith.trunci %k : tensor<2x3xi32> to tensor<2x3xi16>
  // CHECK: arith.uitofp{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %44 = arith.uitofp %k : tensor<2x3xi32> to tensor<2x3xf32>
  // CHECK: arith.xori{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %45 = arith.xori %k, %m : tensor<2x3xi32>
  return
}
