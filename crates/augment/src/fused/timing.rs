use super::*;
fn best(mut f: impl FnMut()) -> f64 { let mut b=f64::MAX; for _ in 0..3000 { let t=std::time::Instant::now(); f(); b=b.min(t.elapsed().as_secs_f64()); } b*1e6*2390.0/1.0 }
#[test]
fn timing() {
  for level in [Level::Avx2, Level::Avx512] {
    let crop=CropRect{x:84,y:72,width:300,height:256};
    let frame=Frame::new(crop,(299,299),false,3*299*299).unwrap();
    let data=vec![77u8;300*256*4];
    let mut st=Stage::default();
    println!("{level:?} prepare {:.0} cycles", best(||{ st.prepare(level,&frame,(1,1),3); }));
    let mut ax=Axis::default(); println!("  fill {:.0}", best(||{ columns::fill(level,&mut ax,&frame.across(1)); }));
    println!("  columns {:.0}", best(||{ st.columns.build(level,&frame.across(1)); }));
    let row=&data[..600];
    println!("  across row {:.0}", best(||{ for _ in 0..10 { st.columns.run(level,row,st.ring.slot(0,0)); } })/10.0);
    println!("  aim {:.0}", best(||{ st.ring.reset(&st.rows,299,3); for y in 0..299 { std::hint::black_box(st.ring.aim(&st.rows,y)); } })/299.0);
    let mut out=vec![0u8;3*299*299];
    st.ring.reset(&st.rows,299,3); st.ring.aim(&st.rows,0);
    println!("  blend ycc L1 {:.0}", best(||{ for _ in 0..10 { let r=&st.ring; Blend::Ycc(r.plane(0),[r.plane(1),r.plane(2)]).run(level,&mut out[..897]); } })/10.0);
    println!("  blend ycc L2 {:.0}", best(||{ for o in out.chunks_mut(897) { let r=&st.ring; Blend::Ycc(r.plane(0),[r.plane(1),r.plane(2)]).run(level,o); } })/299.0);
    println!("  blend gray L1 {:.0}", best(||{ for _ in 0..10 { let r=&st.ring; Blend::Gray(r.plane(0)).run(level,&mut out[..897]); } })/10.0);
    println!("  blend gray L2 {:.0}", best(||{ for o in out.chunks_mut(897) { let r=&st.ring; Blend::Gray(r.plane(0)).run(level,o); } })/299.0);
    println!("  memset L2 {:.0}", best(||{ for o in out.chunks_mut(897) { std::hint::black_box(o).fill(3); } })/299.0);
    let cut=view::PlaneView{data:&data,stride:300,width:300,height:256,x:84,y:72}.cut("",frame.needed((1,1))).unwrap();
    let mut sp=vec![];
    println!("  feed all 3 planes {:.0}", best(||{ st.ring.reset(&st.rows,299,3); for y in 0..299 { st.feed(level,y,&[cut,cut,cut],&mut sp); } })/299.0);
  }
}
