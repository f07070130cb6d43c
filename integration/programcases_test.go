//go:build integration

package integration

import "slices"

// programCases is what the programs do that people use on directories.
func programCases() []programCase {
	return slices.Concat(copyCases(), syncCases(), archiveCases(), toolCases(), editorCases(), shellCases(), partialCases())
}

func copyCases() []programCase {
	return []programCase{
		{name: "cp", smoke: true, script: `cp $SRC/text one; cp $SRC/big two; cp two three; cp -f $SRC/exec one; cp $SRC/text two`},
		{name: "cp-r", smoke: true, script: `cp -r $SRC/tree t; cp -r t u; rm -r t/a; diff -r --no-dereference $SRC/tree u`},
		{name: "cp-p", times: true, script: `cp -p $SRC/exec e; cp -p $SRC/big b; cp -pr $SRC/tree t; touch -r $SRC/text . t`},
		{name: "cp-a", times: true, script: `cp -a $SRC/tree t; cp -a t u; diff -r --no-dereference t u; touch -r $SRC/text .`, again: `cp -a u v; diff -r --no-dereference t v; touch -r $SRC/text .`},
		{name: "cp-u", times: true, script: `cp -p $SRC/text t; cp -upv $SRC/text t`, again: `cp -upv $SRC/text t`},
		{name: "cp-sparse", script: `truncate -s 30M $OUT/s; echo end >> $OUT/s; cp --sparse=always $OUT/s s; cmp s $OUT/s`},
		{name: "mv", script: `cp -rp $SRC/tree $OUT/t; mv $OUT/t in; mv in/a/large $OUT/out; mv in moved; mv moved/a/b/c/deep .
			echo x > x; mv -n x deep; mv x moved/empty; mv moved/a $OUT/a`,
			again: `mv moved back; ls -R back; mv back/exec $OUT/exec; $OUT/exec`},
		{name: "install", script: `install -m 750 $SRC/text a; install -d x/y; install -D -m 640 -p $SRC/exec x/y/z/e; stat -c '%n %a' a x/y/z/e`,
			again: `stat -c '%n %a %Y' x/y/z/e; install -m 700 $SRC/exec a; ./a`},
	}
}

func syncCases() []programCase {
	return []programCase{
		{name: "rsync-a", smoke: true, times: true, script: `rsync -a $SRC/ t/; rsync -ai $SRC/ t/`, again: `rsync -ai $SRC/ t/; rsync -acni $SRC/ t/`},
		{name: "rsync-inplace", script: `cp $SRC/big b; cp $SRC/big $OUT/b; printf changed | dd of=$OUT/b conv=notrunc bs=1 seek=9000000 status=none
			rsync -aI --inplace --no-whole-file $OUT/b b; rsync -a --inplace $SRC/text b2; rsync -aI --inplace --no-whole-file $SRC/text b2`,
			again: `head -c 21500000 $SRC/big > $OUT/b; touch -d 2030-01-01 $OUT/b; rsync -a --inplace $OUT/b b`},
		{name: "rsync-append", script: `head -c 21500000 $SRC/big > b; head -c 100 $SRC/text > t; rsync --append $SRC/big b; rsync --append-verify $SRC/text t`,
			again: `(cat $SRC/big; echo more) > $OUT/b; rsync --append $OUT/b b`},
		{name: "rsync-partial", script: `rsync -a --partial $SRC/big p; head -c 5000000 $SRC/big > q; rsync -a --partial --partial-dir=.rsync-partial --no-whole-file $SRC/big q; rsync -a --delay-updates $SRC/tree/ d/`},
		{name: "rsync-delete", script: `rsync -a $SRC/tree/ t/; mkdir -p t/extra/dir; touch t/extra/dir/f t/a/g; rsync -ai --delete $SRC/tree/ t/ | sort`,
			again: `mkdir -p t/more; touch t/more/f; rsync -a --delete-before $SRC/tree/a/ t/`},
		{name: "rsync-X", script: `cp $SRC/text t; mkdir d; cp $SRC/tree/a/text d/f; setfattr -n user.one -v 1 t; setfattr -n user.bytes -v 0x00ff0a t; setfattr -n user.dir -v d d; setfattr -n user.file -v f d/f
			rsync -aX t d copy/; rsync -aXi t d copy/; getfattr -d -e hex -R copy | sort; setfattr -x user.one copy/t; rsync -aXi t d copy/; rsync -aX copy/ $OUT/`,
			again: `getfattr -d -e hex -R copy | sort; rsync -aXi t d copy/; setfattr -n user.one -v changed t; rsync -aXi t d copy/`},
		{name: "rsync-checksum", times: true, script: `rsync -a $SRC/tree t; rsync -aci $SRC/tree t; rsync -a --remove-source-files t/tree/a/ moved/; touch -r $SRC/text t t/tree t/tree/a t/tree/a/b t/tree/a/b/c; ls moved`},
	}
}

func archiveCases() []programCase {
	return []programCase{
		{name: "tar", times: true, script: `tar cf a.tar --sort=name -C $SRC tree big; mkdir x; tar xf a.tar -C x
			tar czf b.tgz --sort=name -C x tree; tar tzf b.tgz; tar rf a.tar -C $SRC text; tar tf a.tar; touch -r $SRC/text * .`,
			again: `tar cf - --sort=name -C x tree | cmp - <(tar cf - --sort=name -C $SRC tree); tar df a.tar -C $SRC; touch -r $SRC/text .`},
		{name: "zip", script: `here=$PWD; cd $SRC; zip -qrX $here/a.zip tree text; cd $here; unzip -q a.zip -d x; zip -qXj a.zip $SRC/exec; unzip -tq a.zip; (cd x; zip -qrX - .) | cat > b.zip; unzip -tq b.zip >/dev/null; rm b.zip`,
			again: `unzip -tq a.zip; unzip -qo a.zip -d x; zip -qd a.zip tree/exec; unzip -l a.zip | tail -1 | tr -s ' '`},
		{name: "gzip", times: true, script: `cp -p $SRC/text t; cp -p $SRC/tree/a/large b; gzip t; gzip -1 b; gzip -t t.gz b.gz; gunzip -k b.gz; cmp b $SRC/tree/a/large`, again: `gunzip t.gz; cmp t $SRC/text`},
	}
}

func toolCases() []programCase {
	return []programCase{
		{name: "git", ignore: "r/.git", script: `git init -q -b main r; cp -r $SRC/tree r; cd r; git config gc.auto 0; git config pack.threads 1; git add -A; git commit -qm one
			for i in 1 2 3; do echo $i >> tree/a/text; git commit -qam $i; done
			git checkout -qb side HEAD~2; git mv tree/exec moved; git commit -qm moved; git checkout -q main; git merge -qm merged side
			git gc -q; git fsck --full; git status --porcelain; git log --format='%T %s'; cd ..
			git clone -q r $OUT/clone; git clone -q --bare --no-local $OUT/clone bare.git; git -C bare.git fsck; git -C bare.git log --oneline | wc -l; rm -rf bare.git $OUT/clone/.git`,
			again: `cd r; git status --porcelain; git fsck --full; echo again >> tree/a/text; git commit -qam again; git stash list; git log -3 --format='%T %s'; git clone -q . ../c; diff -r --no-dereference -x .git -x 'no files' . ../c; rm -rf ../c`},
		{name: "sqlite3", script: `sqlite3 db 'pragma journal_mode=delete; create table t(a integer primary key, b text);
			with recursive n(i) as (select 1 union all select i+1 from n where i<3000) insert into t select i, hex(i*i) from n;'
			for i in 1 2 3; do sqlite3 db "begin; update t set b='$i' where a%7=$i; delete from t where a%11=$i; commit;"; done
			sqlite3 db 'begin; delete from t; rollback; create index i on t(b); vacuum; pragma integrity_check; select count(*), sum(a), max(b) from t'`,
			again: `sqlite3 db "pragma integrity_check; insert into t values(100000, 'x'); select count(*), sum(a) from t where b>'1'; select b from t where a=100000"`},
		{name: "sqlite3-wal", script: `sqlite3 db 'pragma journal_mode=wal; create table t(a integer primary key, b text);'
			for i in 1 2 3 4; do sqlite3 db "begin; with recursive n(i) as (select 1 union all select i+1 from n where i<500) insert into t(b) select hex($i*i) from n; commit; select count(*) from t"; done
			sqlite3 db 'pragma wal_checkpoint(truncate); pragma integrity_check; select count(*), max(b) from t'`,
			again: `sqlite3 db "pragma journal_mode; insert into t(b) values('x'); select count(*) from t; pragma integrity_check"`},
		{name: "gcc", script: `printf '#include <stdio.h>\nint main(void) { return puts("compiled") < 0; }\n' > hello.c; gcc -O0 -o hello hello.c; ./hello
			gcc -O0 -c -o hello.o hello.c; ar rcD lib.a hello.o; gcc -o linked lib.a; ./linked; strip linked; ./linked; ls`,
			again: `./hello; gcc -O0 -o hello hello.c; ./hello`},
		{name: "make", script: `printf 'int one(void) { return 1; }\n' > one.c; printf '#include <stdio.h>\nint one(void);\nint main(void) { return !printf("%%d\\n", one()); }\n' > main.c
			printf 'main: main.o one.o\n\tgcc -o $@ $^\n%%.o: %%.c\n\tgcc -O0 -c -o $@ $<\n' > Makefile; make -j4 -Orecurse | sort; make; ./main; touch one.c; make; make`,
			again: `make; touch main.c; make -q && echo wrong || make; ./main`},
		{name: "execute", script: `cp $SRC/exec s; ./s; cp $(command -v ls) program; ./program s; chmod -x s; if ./s 2>/dev/null; then echo wrong; fi; sh s; printf '#!/usr/bin/env bash\necho "${0##*/} $*"\n' > b; chmod 700 b; ./b 1 2; (cp b c; exec ./c)`,
			again: `./program b; ./b again; cp program p; ./p p; (sleep 0; exec ./p b)`},
		{name: "curl", times: true, script: `curl -sSfRO $URL/text; curl -sSfR -o b $URL/big; head -c 21000000 $SRC/big > c; curl -sSfR -C - -o c $URL/big; cmp c $SRC/big
			head -c 5000 $SRC/text > d; curl -sSfR -C - -o d $URL/text; curl -sSf $URL/text > e; cmp e text; touch -r text e .`,
			again: `head -c 20000000 c > f; curl -sSfR -C - -o f $URL/big; cmp f b; head -c 100 d > g; curl -sSfR -C - -o g $URL/text; touch -r text .`},
		{name: "find", script: `cp -rp $SRC/tree t; find t | sort; find t -type f -name '*e*' -size +0 | sort; find t -type l | sort; find t -newermt 2009-01-01 -type f | sort
			find t -type f -print0 | sort -z | xargs -0 sha256sum; find t -size +900k -delete -print; find t -perm 444; find t -depth -empty | sort`,
			again: `find t | sort; find t -type d | sort; find t -name deep -exec rm {} +; find t -type d -empty -delete -print | sort`},
		{name: "du", script: `cp -r $SRC/tree $SRC/big .; find . ! -type d -print0 | sort -z | du -bc --files0-from=-; test $(du -sk . | cut -f1) -ge 22000; du -b big`,
			again: `find . ! -type d -print0 | sort -z | du -bc --files0-from=-; test $(du -sk . | cut -f1) -ge 22000; df . > /dev/null`},
		{name: "touch", script: `touch a; touch -d '2001-02-03 04:05:06.789' b; touch -r b c; touch -c missing; touch -m -t 200001010101 a; stat -c '%n %y %s' a b c`,
			again: `stat -c '%n %y %s' a b c; touch -d @1 d; touch -r d a; stat -c '%n %y' a d; chmod 600 a; chmod u+x b; stat -c '%n %y %A' a b`},
		{name: "ln", script: `echo text > text; ln -s text l; ln -sfn other l; echo other > other; readlink l; cat l; ln -s /no/where d; ln -s ../ln/text up; cat up; ln -sr other rel; echo through >> rel; cat other`,
			again: `readlink l d up rel; cat l up; stat -c '%n %F' l d; rm l; ln -s x l; readlink -f up | xargs basename; test -L d`},
		{name: "sort-split", script: `cp $SRC/text t; sort -o t t; sort -u t $SRC/text -o u; split -b 3M $SRC/big p.; cat p.* > whole; cmp whole $SRC/big; split -l 100 t l.; wc -l l.*; csplit -s -f c. t 100 200; cat c.* | cmp - t; ls`,
			again: `cat p.* | cmp - $SRC/big; sort -r -o t t`},
	}
}

func editorCases() []programCase {
	return []programCase{
		{name: "sed", script: `cp $SRC/text t; chmod 640 t; sed -i s/text/TEXT/ t; sed -i.bak -e 5,10d t; sed -n 1,3p t > head; sed -i '$d' head`, again: `sed -i s/line/LINE/ t; grep -c LINE t`},
		{name: "perl", script: `cp $SRC/text t; perl -i -pe 's/text/TEXT/' t; perl -i.bak -ne 'print unless $. % 7 == 0' t; perl -e 'open F, "+<", "t"; seek F, 5, 0; print F "here"; close F or die'`, again: `perl -i -pe 's/line/LINE/' t; tail -2 t`},
		{name: "ed", script: `cp $SRC/text t; printf '1,3d\n$a\nlast\n.\nw\nq\n' | ed -s t; printf 'a\nnew file\n.\nw n\nq\n' | ed -s; tail -1 t`, again: `printf ',s/last/end/\nw\nq\n' | ed -s t`},
		{name: "ex", script: `cp $SRC/text t; chmod 600 t; HOME=$OUT ex -s -u NONE -c 'set backup backupcopy=no' -c '%s/text/TEXT/' -c 'wq' t; HOME=$OUT ex -s -u NONE -c 'set writebackup backupcopy=yes' -c 1d -c 'wq' t; ls -A`,
			again: `HOME=$OUT ex -s -u NONE -c '$d' -c 'w other' -c 'wq' t; ls -A`},
		{name: "patch", script: `cp $SRC/text t; sed s/text/TEXT/ t > u; diff -u t u > p || true; sed -i '1,2s/\t.*//' p; patch -s t p; cmp t u; patch -sRb t p; cmp t $SRC/text`},
		{name: "logrotate", script: `exec 3>>log; echo one >&3; mv log log.1; echo two >&3; echo fresh > log; echo three >&3; exec 3>&-; head log log.1
			exec 4>>app; echo a >&4; cp app app.1; : > app; echo b >&4; exec 4>&-; head app app.1; gzip -n log.1; mv log log.1; : > log`,
			again: `exec 3>>app; echo c >&3; mv app.1 app.2; mv app app.1; echo d >&3; exec 3>&-; head app.1 app.2`},
	}
}

func shellCases() []programCase {
	return []programCase{
		{name: "redirections", smoke: true, script: `( /bin/echo a; /bin/echo b ) > subshell; { echo a; /bin/echo b; echo c; } > group
			exec 3>f; echo a >&3; echo b >&3; exec 3>&-; exec 3>g; /bin/echo a >&3; /bin/echo b >&3; exec 3>&-
			for i in 1 2 3; do /bin/echo $i; done > loop; for i in 1 2 3; do /bin/echo $i >> appended; done; ( : ) > empty; > emptied
			printf 'x\ny\n' | tee tee1 > tee2; cat <<< here > doc; { echo err >&2; echo out; } > both 2>&1; cat < both > both2; seq 100000 | { head -n 5; cat >/dev/null; } > five; (sleep 0; /bin/echo late) > late & wait; exec 5<> rw; echo abc >&5; exec 5>&-; head *`,
			again: `echo more >> f; /bin/echo 4 >> loop; : > group; set -C; ! echo no > f 2>/dev/null; cat f loop`},
		{name: "pipes", script: `head -c 23000000 $SRC/big | cat > f; cat < $SRC/big > g; cat f g | sha256sum; (head -c 3000; head -c 22000000; cat) < $SRC/big > h; cat $SRC/text | tr a-z A-Z > upper; head -c 1 /dev/zero > one`},
		{name: "python", script: `python3 - <<'END'
import os, subprocess, sys
f = open("popen", "w"); p = subprocess.Popen(["sh", "-c", "echo child; sleep 0; echo more"], stdout=f); f.close(); assert p.wait() == 0
with open("with", "wb") as f: f.write(b"x" * 3000000); f.seek(10); f.write(b"header")
with open("with", "r+b") as f: f.seek(0, 2); f.write(b"tail"); f.truncate(3000002)
with open("lines", "a") as f: print("one", file=f, flush=True); print("two", file=f); os.fsync(f.fileno())
with open("large", "wb") as f:
    for i in range(24): f.write(bytes([i]) * (1 << 20))
    f.seek(0); f.write(b"RIFF header"); f.seek(12 << 20); f.write(b"middle")
fd = os.open("pwrite", os.O_CREAT | os.O_RDWR); os.pwrite(fd, b"end", 5000000); os.pwrite(fd, b"start", 0); assert os.pread(fd, 5, 0) == b"start"; os.close(fd)
END
sha256sum *`, again: `python3 -c 'import json; json.dump({"a": 1}, open("j", "w")); f = open("lines", "a"); f.write("three\n"); f.close()'`},
		{name: "headers", script: `python3 - <<'END'
import wave, zipfile
w = wave.open("sound.wav", "wb"); w.setnchannels(2); w.setsampwidth(2); w.setframerate(44100)
for i in range(24): w.writeframesraw(bytes([i]) * (1 << 20))
w.close()  # writes how many there are into the header
with wave.open("sound.wav") as w: assert w.getnframes() == 24 << 18
with zipfile.ZipFile("z.zip", "w") as z:
    for name in "ab":
        with z.open(zipfile.ZipInfo(name), "w") as f:
            for i in range(12): f.write(bytes([i]) * (1 << 20))  # its size goes in front of it
with zipfile.ZipFile("z.zip", "a") as z: z.writestr(zipfile.ZipInfo("c"), "text")
assert zipfile.ZipFile("z.zip").testzip() is None
END
sha256sum *`, again: `python3 -c 'import zipfile; z = zipfile.ZipFile("z.zip", "a"); z.writestr(zipfile.ZipInfo("d"), "more"); z.close(); assert zipfile.ZipFile("z.zip").testzip() is None'`},
		{name: "parallel", script: `seq 12 | xargs -P 6 -I{} sh -c 'head -c {}00000 $SRC/big > f{} && cp f{} g{} && mv g{} h{}'; for i in 1 2 3 4; do (head -c 9000000 $SRC/big | tail -c 8000000 > l$i; rm -f f$i) & done; wait; cat f* h* l* | sha256sum; ls`, again: `seq 12 | xargs -P 6 -I{} rm h{}; ls`},
		{name: "fork", script: `python3 - <<'END' | cat
import os, sys
f = open("f", "w"); f.write("parent\n"); f.flush()
r, w = os.pipe()
if os.fork() == 0:
    os.close(w); os.read(r, 1)  # until the parent has ended
    f.write("child\n"); f.close(); os._exit(0)
os._exit(0)
END
cat f`},
		{name: "mmap", script: `python3 - <<'END'
import mmap
with open("new", "w+b") as f:
    f.truncate(3000000); m = mmap.mmap(f.fileno(), 0); m[:5] = b"start"; m[2999997:] = b"end"; m.flush(); m[1500000:1500006] = b"middle"; m.close()
with open("large", "w+b") as f:
    f.truncate(25000000); m = mmap.mmap(f.fileno(), 0); m[24000000:24000004] = b"here"; m[0:4] = b"head"; m.close()
END
cp $SRC/text old; python3 -c 'import mmap; f = open("old", "r+b"); m = mmap.mmap(f.fileno(), 0); m[100:107] = b"changed"; m.close(); f.close()'; sha256sum *`,
			again: `python3 -c 'import mmap; f = open("large", "r+b"); m = mmap.mmap(f.fileno(), 0); assert m[24000000:24000004] == b"here"; m[12000000:12000003] = b"now"; m.close(); f.close()'`},
	}
}

func partialCases() []programCase {
	return []programCase{
		{name: "dd", smoke: true, script: `dd if=$SRC/big of=b bs=1M status=none; printf changed | dd of=b conv=notrunc bs=1 seek=9000000 status=none; dd if=$SRC/text of=b conv=notrunc oflag=append status=none
			dd if=$SRC/text of=s bs=1 seek=1000000 count=5 status=none; dd if=$SRC/big of=n bs=64k conv=fsync status=none; dd if=$SRC/text of=n conv=notrunc bs=512 seek=3 status=none; dd if=$SRC/text of=n conv=notrunc,fsync bs=100 seek=7 status=none; dd if=$SRC/text of=y oflag=sync bs=4k status=none; cat b s n y | sha256sum`,
			again: `printf again | dd of=b conv=notrunc bs=1 seek=20000000 status=none; printf end | dd of=b conv=notrunc oflag=append status=none; dd if=/dev/zero of=n bs=1k count=1 seek=50 status=none; dd if=b bs=1 skip=9000000 count=7 status=none`},
		{name: "truncate", script: `truncate -s 5M a; truncate -s -1M a; cp $SRC/big b; truncate -s 23000000 b; truncate -s +3M b; cp $SRC/text c; truncate -s +10 c; cp $SRC/text d; truncate -s 0 d; truncate -s 100 e; echo x >> e; fallocate -l 1M g; stat -c '%n %s' *`,
			again: `truncate -s 24000000 b; truncate -s 7 c; truncate -s +25M a; cat a b c | sha256sum; fallocate -p -o 4096 -l 8192 g`},
		{name: "append", script: `for i in 1 2 3; do cat $SRC/text >> t; done; cat $SRC/big >> b; echo more >> b; cat $SRC/text >> b; tail -c 5 b | wc -c; cat t t >> u`, again: `echo again >> b; cat $SRC/big >> b; tail -1 t`},
	}
}
