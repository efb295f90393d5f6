#!/bin/bash
#BSUB -J $name
#BSUB -Jd $tag
#BSUB -q $partition
#BSUB -P $account
#BSUB -n $cores
#BSUB -R "span[ptile=$cores_per_node]"
#BSUB -M $memory
#BSUB -W $hours_minutes
#BSUB -o $log
#BSUB $directives
$setup
$command
